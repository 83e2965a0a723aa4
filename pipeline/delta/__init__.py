"""Delta tables: reading, appending, merging; the only room that knows Delta."""
