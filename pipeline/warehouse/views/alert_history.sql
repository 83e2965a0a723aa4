-- One row per evaluation of an alert, with what became of its notification
-- from: alert_evaluations
SELECT {columns}
FROM {source}
