-- One row per hot device. A device is hot when any of its newest readings is over 40 °C; the newest are those
-- that arrived last. A device that falls silent while hot stays in the result for four hours.
WITH readings AS (
  SELECT
    device_id,
    location,
    event_timestamp,
    temperature_celsius,
    ingestion_timestamp = max(ingestion_timestamp) OVER (PARTITION BY device_id) AS is_newest
  FROM silver_cleaned_sensors
  WHERE event_timestamp > :now - INTERVAL 4 HOURS
    AND event_timestamp <= :now + INTERVAL 10 MINUTES
    AND temperature_celsius IS NOT NULL
)
SELECT
  device_id,
  max(location) AS location,
  round(max(temperature_celsius), 1) AS max_temperature_celsius,
  date_format(max(event_timestamp), 'yyyy-MM-dd HH:mm:ss') AS last_reading_at
FROM readings
WHERE is_newest
GROUP BY device_id
HAVING max(temperature_celsius) > 40
ORDER BY device_id
