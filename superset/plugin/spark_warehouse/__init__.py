"""Spark's Thrift Server for SQLAlchemy and Superset."""
