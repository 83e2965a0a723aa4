"""How far a flow has read: its identity and Spark's checkpoint."""
