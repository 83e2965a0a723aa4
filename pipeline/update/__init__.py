"""One update: what runs, when, and what becomes of failures."""
