"""Alerts: a query, a condition and who is told, evaluated on schedule over the SQL warehouse."""
