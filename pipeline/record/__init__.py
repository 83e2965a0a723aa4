"""What the event log says of updates, read without Spark."""
