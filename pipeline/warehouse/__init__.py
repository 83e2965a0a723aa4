"""The SQL warehouse: Spark's Thrift Server over the lakehouse's tables, read-only."""
