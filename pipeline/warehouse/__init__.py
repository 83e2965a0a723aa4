"""The SQL warehouse: Spark's Thrift Server over the lakehouse's tables, for reading alone."""
