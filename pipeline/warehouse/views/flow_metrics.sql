-- One row per batch of a flow and table it wrote: rows, bytes and files
-- from: event_log
WITH measured AS (
  SELECT
    timestamp,
    origin,
    get_json_object(details, '$.flow_progress.status') AS status,
    get_json_object(details, '$.flow_progress.metrics') AS metrics,
    get_json_object(details, '$.flow_progress.data_quality') AS quality
  FROM {source}
  WHERE event_type = 'flow_progress'
)
SELECT
  origin.update_id,
  origin.dataset_name AS dataset,
  origin.flow_name AS flow,
  origin.flow_id,
  origin.batch_id,
  status,
  TRY_CAST(get_json_object(metrics, '$.num_input_rows') AS BIGINT) AS input_rows,
  TRY_CAST(get_json_object(metrics, '$.num_output_rows') AS BIGINT) AS written_rows,
  TRY_CAST(get_json_object(metrics, '$.num_deleted_rows') AS BIGINT) AS deleted_rows,
  TRY_CAST(get_json_object(quality, '$.dropped_records') AS BIGINT) AS dropped_rows,
  TRY_CAST(get_json_object(quality, '$.warned_records') AS BIGINT) AS warned_rows,
  TRY_CAST(get_json_object(metrics, '$.num_late_rows') AS BIGINT) AS late_rows,
  TRY_CAST(get_json_object(metrics, '$.latest_by_seconds') AS DOUBLE) AS latest_by_seconds,
  TRY_CAST(get_json_object(metrics, '$.num_corrupt_rows') AS BIGINT) AS corrupt_rows,
  TRY_CAST(get_json_object(metrics, '$.num_rescued_rows') AS BIGINT) AS rescued_rows,
  TRY_CAST(get_json_object(metrics, '$.num_output_bytes') AS BIGINT) AS written_bytes,
  TRY_CAST(get_json_object(metrics, '$.num_files') AS BIGINT) AS files,
  TRY_CAST(get_json_object(metrics, '$.num_files_set_aside') AS BIGINT) AS files_set_aside,
  get_json_object(metrics, '$.new_columns') AS new_columns,
  timestamp
FROM measured
WHERE metrics IS NOT NULL AND origin.batch_id IS NOT NULL
