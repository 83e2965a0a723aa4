-- One row per rejected reading and expectation that it failed
-- from: silver_quarantined_sensors
-- later: humidity_percent DOUBLE
SELECT
  'silver_quarantined_sensors' AS dataset,
  explode(failed_expectations) AS reason,
  {columns},
  substring_index(source_file, '/', -1) AS file_name
FROM {source}
