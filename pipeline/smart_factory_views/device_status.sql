-- One row per device: its newest reading, whether that is hot, whether the device is silent, and how urgent that is
-- from: gold_device_status
WITH judged AS (
  SELECT
    device_id,
    location,
    event_timestamp AS last_reading_at,
    temperature_celsius,
    vibration_hz,
    timestampdiff(SECOND, event_timestamp, current_timestamp()) / 60.0D AS minutes_silent,
    -- A device that stopped sending while it was hot stays hot for four hours, as in the alert.
    coalesce(temperature_celsius > 40, false) AND event_timestamp > current_timestamp() - INTERVAL 4 HOURS AS is_hot,
    event_timestamp < current_timestamp() - INTERVAL 15 MINUTES AS is_silent
  FROM {source}
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
  if(is_hot, 2000, 0) + if(is_silent, 1000, 0) + coalesce(temperature_celsius, 0) AS risk
FROM judged
