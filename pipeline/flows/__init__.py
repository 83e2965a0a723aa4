"""What fills a table: one class for each kind of flow."""
