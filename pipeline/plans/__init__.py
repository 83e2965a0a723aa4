"""What Spark's analysed plan of a query says about it, read without running the query."""
