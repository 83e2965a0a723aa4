-- One row per hot device. A device is hot when any of its newest readings is over 40 °C; the newest are those
-- that arrived last. A device that falls silent while hot stays in the result for four hours.
WITH devices AS (
  SELECT
    device_id,
    -- Compared field by field: the latest arrival first, then the hottest reading in it.
    max(struct(ingestion_timestamp, temperature_celsius, location)) AS newest,
    max(event_timestamp) AS last_reading
  FROM silver_cleaned_sensors
  WHERE event_timestamp > :now - INTERVAL 4 HOURS
    AND event_timestamp <= :now + INTERVAL 10 MINUTES
    AND temperature_celsius IS NOT NULL
  GROUP BY device_id
)
SELECT
  device_id,
  newest.location,
  round(newest.temperature_celsius, 2) AS max_temperature_celsius,
  date_format(last_reading, 'yyyy-MM-dd HH:mm:ss') AS last_reading_at
FROM devices
WHERE newest.temperature_celsius > 40
ORDER BY device_id
