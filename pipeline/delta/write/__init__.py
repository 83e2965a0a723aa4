"""The writers behind Table.append."""
