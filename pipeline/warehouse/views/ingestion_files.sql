-- One row per file that an update has read, with its newest state
-- from: every file
SELECT
  table_name,
  path,
  substring_index(path, '/', -1) AS file_name,
  state,
  size_bytes,
  modified_at,
  discovered_at,
  committed_at,
  rows,
  corrupt_rows,
  rescued_rows,
  error,
  batch_id,
  update_id
FROM ({source})
QUALIFY row_number() OVER (PARTITION BY table_name, path ORDER BY committed_at DESC, batch_id DESC) = 1
