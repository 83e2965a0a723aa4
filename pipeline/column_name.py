"""Names of columns, which senders choose, where Spark expects an expression."""

from __future__ import annotations


def quoted(name: str) -> str:
    """Return a column's name so that Spark takes nothing in it for a path or a quote."""
    return "`{}`".format(name.replace("`", "``"))
