"""What an author declares, and the graph that follows from it."""
