"""Paths into JSON text, such as `details:user.name`, which Spark allows for VARIANT only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.databricks.sql.tokens import Token, tokens_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_STEPS = {":", "."}
_OPENING, _CLOSING = {"(": ")", "[": "]"}, {")": "(", "]": "["}
# A parameter `:name` follows one of these, a path follows what it goes into.
_NOT_A_COLUMN = {
    "SELECT", "WHERE", "AND", "OR", "NOT", "ON", "BY", "THEN", "ELSE", "WHEN", "IN", "LIKE", "BETWEEN", "LIMIT",
    "HAVING", "AS", "INTERVAL", "OFFSET", "CASE", "DISTINCT", "IS", "FROM", "ILIKE", "RLIKE", "REGEXP", "ESCAPE", "DIV",
}  # fmt: skip


def with_json_paths(text: str) -> str:
    """Return a query that reads each path with `get_json_object`, as Databricks reads paths into text.

    Lines stay where they are.
    """
    while True:
        tokens = tokens_of(text, "")
        colon = next((at for at in range(1, len(tokens)) if is_path(tokens, at)), None)
        if colon is None:
            return text
        first, last = _first_of_base(tokens, colon - 1), _last_of_path(tokens, colon)
        base = text[tokens[first].start : tokens[colon].start].rstrip()
        path = _path(tokens[colon : last + 1]).replace("\\", "\\\\").replace("'", "\\'")
        lines = "\n" * text.count("\n", tokens[colon].start, tokens[last].end)
        text = f"{text[: tokens[first].start]}get_json_object({base}, '{path}'){lines}{text[tokens[last].end :]}"


def is_path(tokens: Sequence[Token], at: int) -> bool:
    """Return whether the colon at a position leads into what comes before it."""
    if tokens[at].word != ":" or at + 1 >= len(tokens) or _is_in_type(tokens, at):
        return False
    before, after = tokens[at - 1], tokens[at + 1]
    goes_into = before.word in {")", "]"} or (before.is_name and before.word not in _NOT_A_COLUMN)
    return goes_into and (after.is_name or after.word == "[")


def _is_in_type(tokens: Sequence[Token], at: int) -> bool:
    """Return whether a colon stands between a field and its type, as in `STRUCT<a: INT>`."""
    depth = 0
    for position in range(at - 1, 0, -1):
        word = tokens[position].word
        if word in {"SELECT", ";"}:
            return False
        depth += {">": 1, "<": -1}.get(word, 0)
        if depth < 0:
            return tokens[position - 1].word == "STRUCT"
    return False


def _first_of_base(tokens: Sequence[Token], at: int) -> int:
    """Return the first token of the column, call or brackets that end at a position."""
    while True:
        word = tokens[at].word
        if word in _CLOSING:
            at = _other_bracket(tokens, at, -1)
            if at == 0 or not (tokens[at - 1].is_name and tokens[at - 1].word not in _NOT_A_COLUMN):
                return at
            at -= 1
        elif at >= 2 and tokens[at - 1].word == ".":  # noqa: PLR2004 - a name and a dot come before it
            at -= 2
        else:
            return at


def _last_of_path(tokens: Sequence[Token], colon: int) -> int:
    at = colon
    while at + 1 < len(tokens):
        word = tokens[at + 1].word
        follows = tokens[at + 2] if at + 2 < len(tokens) else None
        goes_on = word in _STEPS and follows is not None and (follows.is_name or follows.word == "[")
        if word == "[":
            at = _other_bracket(tokens, at + 1, 1)
        elif goes_on or (tokens[at].word in _STEPS and tokens[at + 1].is_name):
            at += 1
        else:
            break
    return at


def _path(tokens: Sequence[Token]) -> str:
    """Return a path as `get_json_object` takes it."""
    path, is_index = "$", False
    for token in tokens:
        if token.word in {"[", "]"}:
            is_index = token.word == "["
            path += token.text
        elif token.kind == "quoted" or (is_index and token.kind == "string"):
            path += f"'{token.value}'" if is_index else f"['{token.value}']"
        elif token.word not in _STEPS:
            path += token.text if is_index else f".{token.text}"
    return path


def _other_bracket(tokens: Sequence[Token], at: int, step: int) -> int:
    """Return where the bracket at a position is closed, or opened where the step goes back."""
    own = tokens[at].word
    other = _OPENING[own] if step > 0 else _CLOSING[own]
    depth = 0
    while 0 <= at < len(tokens):
        depth += (tokens[at].word == own) - (tokens[at].word == other)
        if depth == 0:
            return at
        at += step
    return max(0, min(at, len(tokens) - 1))
