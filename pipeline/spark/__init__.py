"""The Spark session and its faults."""
