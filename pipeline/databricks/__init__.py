"""Databricks' own pipeline source: its modules, notebooks, readers and SQL, as declarations of this engine."""
