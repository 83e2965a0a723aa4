-- Two questions about the factory's readings; run them in the SQL warehouse, in the database smart_factory.

-- The average temperature by location: hours with many readings count for more than hours with few.
SELECT
  location,
  round(sum(avg_temp * reading_count) / sum(reading_count), 2) AS avg_temperature_celsius,
  max(max_temp) AS max_temperature_celsius,
  sum(reading_count) AS readings
FROM gold_hourly_device_summary
WHERE avg_temp IS NOT NULL
GROUP BY location
ORDER BY location;

-- The devices that were over 40 °C at any time in the last three hours, the hottest first.
SELECT
  device_id,
  location,
  max(temperature_celsius) AS max_temperature_celsius,
  max(event_timestamp) AS last_hot_reading_at
FROM silver_cleaned_sensors
WHERE temperature_celsius > 40
  AND event_timestamp > current_timestamp() - INTERVAL 3 HOURS
GROUP BY device_id, location
ORDER BY max_temperature_celsius DESC, device_id;
