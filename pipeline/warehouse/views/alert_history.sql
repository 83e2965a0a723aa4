-- One row per evaluation of an alert, with the delivery of its notification
-- from: alert_evaluations
SELECT {columns}
FROM {source}
