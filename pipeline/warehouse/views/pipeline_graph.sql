-- One row per edge of the pipeline as its newest update declared it: what a table reads, and its number of rows
-- from: event_log
WITH logged AS (
  SELECT
    sequence,
    event_type,
    origin.dataset_name AS written,
    from_json(
      get_json_object(details, '$.flow_definition'),
      'struct<output_dataset string, input_datasets array<string>, input_files array<string>, flow_type string>'
    ) AS flow,
    TRY_CAST(get_json_object(details, '$.flow_progress.metrics.num_output_rows') AS BIGINT) AS output_rows,
    coalesce(TRY_CAST(get_json_object(details, '$.flow_progress.metrics.num_deleted_rows') AS BIGINT), 0) AS deleted_rows
  FROM {source}
  WHERE event_type IN ('flow_definition', 'flow_progress')
),
flows AS (
  SELECT flow.output_dataset AS dataset, max_by(flow, sequence) AS flow
  FROM logged
  WHERE event_type = 'flow_definition'
  GROUP BY flow.output_dataset
),
counted AS (
  SELECT written AS dataset, sum(output_rows - deleted_rows) AS table_rows
  FROM logged
  WHERE output_rows IS NOT NULL
  GROUP BY written
),
edges AS (
  SELECT dataset, flow.flow_type, explode(concat(flow.input_files, flow.input_datasets)) AS reads
  FROM flows
)
SELECT
  reads,
  edges.dataset,
  flow_type,
  coalesce(table_rows, 0) AS table_rows
FROM edges
LEFT JOIN counted ON counted.dataset = edges.dataset
