-- One row per hot device. A device is hot when one of its newest readings is over 40 °C. Its newest readings are those
-- of its last 15 minutes that arrived last. A hot device that stops sending stays in the result for four hours.
WITH recent AS (
  SELECT
    device_id,
    location,
    event_timestamp,
    ingestion_timestamp,
    temperature_celsius,
    max(event_timestamp) OVER (PARTITION BY device_id) AS last_reading
  FROM silver_cleaned_sensors
  WHERE event_timestamp > :now - INTERVAL 4 HOURS
    AND event_timestamp <= :now + INTERVAL 10 MINUTES
    AND temperature_celsius IS NOT NULL
),
devices AS (
  SELECT
    device_id,
    -- Structs compare field by field: the last arrival, then its hottest reading.
    max(struct(ingestion_timestamp, temperature_celsius, location)) AS newest,
    max(last_reading) AS last_reading
  FROM recent
  WHERE event_timestamp > last_reading - INTERVAL 15 MINUTES
  GROUP BY device_id
)
SELECT
  device_id,
  newest.location,
  round(newest.temperature_celsius, 2) AS max_temperature_celsius,
  date_format(last_reading, 'yyyy-MM-dd HH:mm:ss') AS last_reading_at
FROM devices
WHERE newest.temperature_celsius > 40
