-- One row per table: its number of rows, when it was last written, its backlog, and what was dropped from its input
-- from: event_log
WITH logged AS (
  SELECT
    origin.dataset_name AS dataset,
    origin.update_id,
    sequence,
    timestamp,
    get_json_object(details, '$.flow_progress.metrics') AS metrics,
    get_json_object(details, '$.flow_progress.data_quality') AS quality
  FROM {source}
  WHERE event_type = 'flow_progress' AND origin.dataset_name IS NOT NULL
),
measured AS (
  SELECT
    dataset,
    update_id,
    sequence,
    timestamp,
    TRY_CAST(get_json_object(metrics, '$.num_output_rows') AS BIGINT) AS output_rows,
    coalesce(TRY_CAST(get_json_object(metrics, '$.num_deleted_rows') AS BIGINT), 0) AS deleted_rows,
    TRY_CAST(get_json_object(quality, '$.dropped_records') AS BIGINT) AS dropped_rows,
    TRY_CAST(get_json_object(metrics, '$.backlog_files') AS BIGINT) AS backlog_files,
    TRY_CAST(get_json_object(metrics, '$.backlog_bytes') AS BIGINT) AS backlog_bytes
  FROM logged
)
SELECT
  dataset,
  coalesce(sum(output_rows - deleted_rows), 0) AS table_rows,
  max(timestamp) FILTER (WHERE output_rows + deleted_rows > 0) AS last_written_at,
  timestampdiff(SECOND, last_written_at, current_timestamp()) / 60.0D AS minutes_since_write,
  coalesce(sum(dropped_rows), 0) AS dropped_rows,
  max_by(backlog_files, sequence) FILTER (WHERE backlog_files IS NOT NULL) AS backlog_files,
  max_by(backlog_bytes, sequence) FILTER (WHERE backlog_bytes IS NOT NULL) AS backlog_bytes,
  count(DISTINCT update_id) AS updates
FROM measured
GROUP BY dataset
