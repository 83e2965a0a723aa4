"""Pipelines written in SQL: heads are read here, queries are Spark's."""
