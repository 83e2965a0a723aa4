"""Where a query names a relation that it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.databricks.sql.tokens import Token

# These may follow a relation that has no name of its own.
_FOLLOWS_RELATION = frozenset(
    {
        "WHERE", "GROUP", "HAVING", "ORDER", "SORT", "CLUSTER", "DISTRIBUTE", "LIMIT", "OFFSET", "WINDOW", "QUALIFY",
        "UNION", "EXCEPT", "INTERSECT", "MINUS", "SELECT", "JOIN", "INNER", "LEFT", "RIGHT", "FULL", "OUTER", "CROSS",
        "SEMI", "ANTI", "NATURAL", "ON", "USING", "LATERAL", "PIVOT", "UNPIVOT", "TABLESAMPLE", "END", "WHEN", "THEN",
    }
)  # fmt: skip


def place_of_alias(tokens: Sequence[Token], position: int) -> int:
    """Return the token before which a relation's name would be written.

    Args:
        tokens: The query's.
        position: The one behind the relation. Its options, its sample and its watermark come first.
    """
    while position < len(tokens):
        word = tokens[position].word
        if word in {"TABLESAMPLE", "WITH"} and _word(tokens, position + 1) == "(":
            position = _behind_brackets(tokens, position + 1)
        elif word == "WATERMARK":
            position = _behind_watermark(tokens, position)
        else:
            break
    return position


def alias_of(tokens: Sequence[Token], position: int) -> str | None:
    """Return the name that is written at a position for the relation before it, or None."""
    at = position + (_word(tokens, position) == "AS")
    if at >= len(tokens) or not tokens[at].is_name or (at == position and tokens[at].word in _FOLLOWS_RELATION):
        return None
    return tokens[at].value


def _behind_watermark(tokens: Sequence[Token], position: int) -> int:
    """Return the position behind `WATERMARK expression DELAY OF INTERVAL value unit ...`."""
    while position < len(tokens) and tokens[position].word != "INTERVAL":
        position += 1
    position += 1
    while position < len(tokens) and (tokens[position].kind == "string" or tokens[position].text.isdecimal()):
        position += 1
        if position < len(tokens) and tokens[position].kind == "word":
            position += 1
        if _word(tokens, position) == "TO":
            position += 2
    return position


def _behind_brackets(tokens: Sequence[Token], position: int) -> int:
    depth = 0
    while position < len(tokens):
        depth += {"(": 1, ")": -1}.get(tokens[position].word, 0)
        position += 1
        if depth == 0:
            break
    return position


def _word(tokens: Sequence[Token], position: int) -> str:
    return tokens[position].word if position < len(tokens) else ""
