"""The event log: what was logged, read back, added up."""
