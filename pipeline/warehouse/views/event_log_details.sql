-- One row per event, with the fields of its origin in columns of their own, and `details` parsed
-- from: event_log
SELECT
  id,
  sequence,
  timestamp,
  event_type,
  level,
  message,
  origin.pipeline_id,
  origin.pipeline_name,
  origin.update_id,
  origin.dataset_name,
  origin.flow_id,
  origin.flow_name,
  origin.batch_id,
  maturity_level,
  error.exceptions[0].message AS error_message,
  error,
  origin,
  try_parse_json(details) AS details
FROM {source}
