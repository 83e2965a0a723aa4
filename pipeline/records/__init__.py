"""From bytes to records to Arrow columns; knows neither Spark nor pipelines."""
