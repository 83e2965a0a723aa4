-- One row per validated reading; a column that readings gain later is NULL until then
-- from: silver_cleaned_sensors
-- later: humidity_percent DOUBLE
SELECT {columns}
FROM {source}
