"""A query's text with what it reads replaced by views, line by line as it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.databricks.sql.relations import Relation
    from pipeline.databricks.sql.tokens import Token

# A name that an author's query hardly has.
VIEW_PREFIX = "__read_"


def view_name(number: int) -> str:
    """Return the name of the view that a relation reads, counted from 0 within its query."""
    return f"{VIEW_PREFIX}{number}"


@dataclass(frozen=True)
class Replaced:
    """A relation that a query reads as a view.

    Attributes:
        view: The view's name.
        parts: The parts of the name that the query may use for it; empty where it has none.
        hidden: The column that `*` leaves out, though it can be named; empty where there is none.
    """

    relation: Relation
    view: str
    parts: tuple[str, ...]
    hidden: str = ""


def rewritten(text: str, tokens: Sequence[Token], replaced: Sequence[Replaced]) -> str:
    """Return a query that reads views.

    The columns of a relation can still be written with its name before them, as `orders.id` or `LIVE.orders.id`.

    Args:
        text: The query.
        tokens: Its tokens.
        replaced: What it reads.
    """
    edits: set[tuple[int, int, str]] = set()
    for one in replaced:
        relation = one.relation
        lines = "\n" * text.count("\n", relation.start, relation.end)
        edits.add((relation.start, relation.end, f"{one.view}{lines}"))
        if relation.alias is None and one.parts:
            edits.add((relation.alias_at, relation.alias_at, f" AS {_quoted(one.parts[-1])}"))
        if one.hidden:
            edits |= _left_out(tokens, relation, one.hidden)
    spans = [(one.relation.start, one.relation.end) for one in replaced]
    names = [tuple(part.lower() for part in one.parts) for one in replaced]
    # A table of a catalog is also known by its schema alone.
    qualifiers = {name[start:] for name in names for start in range(len(name) - 1)}
    edits |= _qualifiers(tokens, qualifiers, spans)
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _left_out(tokens: Sequence[Token], relation: Relation, column: str) -> set[tuple[int, int, str]]:
    """Return edits that leave a column out of each `*` that would give it."""
    edits: set[tuple[int, int, str]] = set()
    for position in relation.stars:
        of_another = tokens[position - 1].word == "." and tokens[position - 2].value != relation.alias
        words = [token.word for token in tokens[position + 1 : position + 3]]
        if of_another:
            continue
        if words == ["EXCEPT", "("]:
            end = tokens[position + 2].end
            edits.add((end, end, f"{_quoted(column)}, "))
        else:
            end = tokens[position].end
            edits.add((end, end, f" EXCEPT ({_quoted(column)})"))
    return edits


def _qualifiers(
    tokens: Sequence[Token], named: set[tuple[str, ...]], spans: Sequence[tuple[int, int]]
) -> set[tuple[int, int, str]]:
    """Return edits that leave the last part of names of several parts that stand before a column."""
    edits: set[tuple[int, int, str]] = set()
    for position, first in enumerate(tokens):
        is_first = position == 0 or tokens[position - 1].word != "."
        if not (first.is_name and is_first) or any(start <= first.start < end for start, end in spans):
            continue
        for parts in named:
            length = 2 * len(parts)
            run = tokens[position : position + length]
            names, dots = run[::2], run[1::2]
            fits = len(run) == length and all(dot.word == "." for dot in dots)
            if fits and tuple(name.value.lower() for name in names) == parts:
                edits.add((first.start, names[-1].start, ""))
    return edits


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
