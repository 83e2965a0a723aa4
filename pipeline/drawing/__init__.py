"""Pictures of an update's graph."""
