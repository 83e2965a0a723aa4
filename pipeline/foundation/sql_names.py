"""Column names, which senders choose, in places where Spark expects an expression."""

from __future__ import annotations


def quoted(name: str) -> str:
    """Return a column's name quoted, so that Spark does not read dots or quotes in it as syntax."""
    return "`{}`".format(name.replace("`", "``"))


def literal(text: str) -> str:
    """Return a text as a literal of DataFusion's SQL, in which a backslash is a character like any other."""
    return "'" + text.replace("'", "''") + "'"
