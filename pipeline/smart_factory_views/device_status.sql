-- One row per device: its newest reading, whether it is hot (as the alert has it) or silent, and how urgent that is
-- from: silver_cleaned_sensors
WITH recent AS (
  SELECT
    device_id,
    location,
    event_timestamp,
    ingestion_timestamp,
    temperature_celsius,
    vibration_hz,
    max(event_timestamp) OVER (PARTITION BY device_id) AS last_reading_at
  FROM {source}
  WHERE event_timestamp <= current_timestamp() + INTERVAL 10 MINUTES
),
newest AS (
  SELECT
    device_id,
    -- Compared field by field: the last arrival first, then the hottest reading in it.
    max(struct(ingestion_timestamp, temperature_celsius, vibration_hz, location)) AS reading,
    max(last_reading_at) AS last_reading_at
  FROM recent
  WHERE event_timestamp > last_reading_at - INTERVAL 15 MINUTES AND temperature_celsius IS NOT NULL
  GROUP BY device_id
),
judged AS (
  SELECT
    device_id,
    reading.location,
    last_reading_at,
    reading.temperature_celsius,
    reading.vibration_hz,
    timestampdiff(SECOND, last_reading_at, current_timestamp()) / 60.0D AS minutes_silent,
    reading.temperature_celsius > 40 AND last_reading_at > current_timestamp() - INTERVAL 4 HOURS AS is_hot,
    last_reading_at < current_timestamp() - INTERVAL 15 MINUTES AS is_silent
  FROM newest
)
SELECT
  device_id,
  location,
  CASE WHEN is_hot THEN 'hot' WHEN is_silent THEN 'silent' ELSE 'reporting' END AS status,
  temperature_celsius,
  temperature_celsius - 40 AS degrees_over_limit,
  vibration_hz,
  last_reading_at,
  minutes_silent,
  is_hot,
  is_silent,
  -- Hot before silent before calm; among them the hottest first.
  if(is_hot, 2000, 0) + if(is_silent, 1000, 0) + temperature_celsius AS risk
FROM judged
