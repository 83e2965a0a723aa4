-- One row per update, flow, batch and expectation: how many rows passed, how many failed, and what was done with those
-- from: event_log
WITH judged AS (
  SELECT
    timestamp,
    origin,
    explode(
      from_json(
        get_json_object(details, '$.flow_progress.data_quality.expectations'),
        'array<struct<name string, dataset string, action string, passed_records bigint, failed_records bigint>>'
      )
    ) AS expectation
  FROM {source}
  WHERE event_type = 'flow_progress'
)
SELECT
  origin.update_id,
  coalesce(expectation.dataset, origin.dataset_name) AS dataset,
  origin.flow_name AS flow,
  origin.batch_id,
  expectation.name AS expectation,
  expectation.action,
  expectation.passed_records AS passed,
  expectation.failed_records AS failed,
  timestamp
FROM judged
