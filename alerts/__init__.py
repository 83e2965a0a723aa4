"""Alerts: a query, a condition and destinations, evaluated on schedule over the SQL warehouse."""
