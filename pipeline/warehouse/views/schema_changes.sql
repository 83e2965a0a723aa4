-- One row per column that files added to a table, with the schema version that added it; version 1 was declared
-- from: event_log
WITH declared AS (
  SELECT
    get_json_object(details, '$.flow_definition.output_dataset') AS dataset,
    min_by(get_json_object(details, '$.flow_definition.schema'), sequence) AS columns,
    min(timestamp) AS seen_at
  FROM {source}
  WHERE event_type = 'flow_definition'
    AND size(from_json(get_json_object(details, '$.flow_definition.input_files'), 'array<string>')) > 0
  GROUP BY get_json_object(details, '$.flow_definition.output_dataset')
),
grown AS (
  SELECT
    origin.dataset_name AS dataset,
    origin.update_id,
    sequence,
    timestamp AS seen_at,
    from_json(get_json_object(details, '$.flow_progress.metrics.new_columns'), 'map<string, string>') AS columns
  FROM {source}
  WHERE event_type = 'flow_progress'
),
numbered AS (
  SELECT *, CAST(1 + row_number() OVER (PARTITION BY dataset ORDER BY sequence) AS BIGINT) AS version
  FROM grown
  WHERE size(columns) > 0
)
SELECT
  dataset,
  CAST(1 AS BIGINT) AS version,
  'as declared' AS column_name,
  -- `struct<a:string,b:double>`: the names alone.
  regexp_replace(regexp_replace(columns, '^struct<|:[^,]*', ''), ',', ', ') AS brought_by,
  seen_at,
  NULL AS update_id
FROM declared
UNION ALL
SELECT dataset, version, column_name, substring_index(file, '/', -1) AS brought_by, seen_at, update_id
FROM numbered LATERAL VIEW explode(columns) AS column_name, file
