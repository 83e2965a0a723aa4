-- One row per update: why it ran, how it ended, how long it took, what it wrote
-- from: event_log
WITH logged AS (
  SELECT
    origin.update_id,
    origin.pipeline_name,
    origin.flow_name,
    sequence,
    timestamp,
    event_type,
    level,
    error.exceptions[0].message AS error_message,
    get_json_object(details, '$.create_update.cause') AS cause,
    get_json_object(details, '$.create_update.run_as') AS run_as,
    get_json_object(details, '$.update_progress.state') AS state,
    TRY_CAST(get_json_object(details, '$.flow_progress.metrics.num_output_rows') AS BIGINT) AS written_rows
  FROM {source}
  WHERE origin.update_id IS NOT NULL
),
updates AS (
  SELECT
    update_id,
    max(pipeline_name) AS pipeline_name,
    max(cause) AS cause,
    max(run_as) AS run_as,
    max_by(state, sequence) FILTER (WHERE state IS NOT NULL) AS state,
    min(timestamp) AS started_at,
    max(timestamp) FILTER (WHERE state IN ('COMPLETED', 'FAILED', 'CANCELED')) AS ended_at,
    coalesce(sum(written_rows), 0) AS rows_written,
    count(DISTINCT flow_name) FILTER (WHERE level = 'ERROR') AS failed_flows,
    min_by(error_message, sequence) FILTER (WHERE error_message IS NOT NULL) AS error_message
  FROM logged
  GROUP BY update_id
)
SELECT
  update_id,
  pipeline_name,
  cause,
  run_as,
  state,
  started_at,
  ended_at,
  timestampdiff(MILLISECOND, started_at, ended_at) / 1000.0D AS duration_seconds,
  rows_written,
  -- An update that fails before its first flow has an error too.
  greatest(failed_flows, if(state = 'FAILED', 1, 0)) AS errors,
  error_message
FROM updates
