"""The pipeline page: the graph, live, and everything behind it, read without Spark."""
