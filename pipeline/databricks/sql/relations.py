"""Finds what a query reads: the names and reading functions after FROM, JOIN and STREAM, in its own words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.databricks.sql.aliases import alias_of, place_of_alias
from pipeline.databricks.sql.tokens import dotted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.databricks.sql.tokens import Token

READING_FUNCTIONS = frozenset({"read_files", "cloud_files"})
# Spark reads a file that is named as format.`path`.
FILE_FORMATS = frozenset({"json", "csv", "parquet", "text", "orc", "avro", "xml", "binaryfile", "delta"})
_BEGINS_QUERY = {"SELECT", "WITH", "FROM", "VALUES", "TABLE", "MAP", "REDUCE"}
_ENDS_FROM = {
    "SELECT", "WHERE", "GROUP", "HAVING", "ORDER", "SORT", "CLUSTER", "DISTRIBUTE", "LIMIT", "OFFSET", "WINDOW",
    "QUALIFY", "UNION", "EXCEPT", "INTERSECT", "MINUS", "|>", "VALUES",
}  # fmt: skip
_BEFORE_STAR = {"SELECT", "DISTINCT", "ALL", ",", "."}


@dataclass(frozen=True)
class Relation:
    """One place where a query reads something.

    Attributes:
        parts: The name's parts, or the reading function's name.
        arguments: The tokens between the function's brackets; None for a name.
        is_streaming: Whether `STREAM` asks for new rows only.
        start: The place of the first character, of `STREAM` where it is written.
        end: The place behind the last character.
        alias: The name that the query gives it, or None.
        alias_at: Where a name would be written.
        stars: The tokens `*` that give all its columns, by their positions.
        line: The line that it begins on.
    """

    parts: tuple[str, ...]
    arguments: tuple[Token, ...] | None
    is_streaming: bool
    start: int
    end: int
    alias: str | None
    alias_at: int
    stars: tuple[int, ...]
    line: int

    @property
    def name(self) -> str:
        """The name with dots between its parts."""
        return dotted(self.parts)


def relations_of(tokens: Sequence[Token]) -> list[Relation]:
    """Return what a query reads, in its order; the names of its own WITH clauses are left out."""
    finder = _Finder(tokens)
    finder.query(0, len(tokens), frozenset())
    return sorted(finder.found, key=lambda relation: relation.start)


class _Finder:
    """Walks a query's brackets. Every position is that of a token."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._closing = _closings(tokens)
        # Those of the innermost SELECT whose FROM is being read.
        self._stars: list[int] = []
        self.found: list[Relation] = []

    def query(self, position: int, end: int, ctes: frozenset[str], *, expecting: bool = False) -> None:
        """Walk a query, or what stands between brackets.

        Args:
            position: The first token.
            end: The token behind the last one.
            ctes: The names that WITH clauses around it give, in lower case.
            expecting: Whether it begins with a relation.
        """
        outer, self._stars = self._stars, []
        self._query(position, end, ctes, expecting=expecting)
        self._stars = outer

    def _query(self, position: int, end: int, ctes: frozenset[str], *, expecting: bool) -> None:
        if self._word(position) == "WITH":
            position, ctes = self._ctes(position + 1, end, ctes)
        expecting = expecting or self._word(position) == "TABLE"
        in_from = expecting
        while position < end:
            word = self._word(position)
            if expecting and word not in {"LATERAL", "TABLE", *_ENDS_FROM}:
                is_streaming = word == "STREAM" and self._names_something(position + 1)
                position = self._stream(position, ctes) if is_streaming else self._read(position, ctes)
                expecting = False
                continue
            if word == "FROM" and not self._is_comparison(position):
                in_from = expecting = True
            elif word == "JOIN" or (word == "," and in_from):
                expecting = True
            elif word in _ENDS_FROM or (word == "LATERAL" and self._word(position + 1) == "VIEW"):
                in_from = expecting = False
            elif word == "(":
                self._brackets(position, ctes)
                position = self._closing[position]
            elif word == "*" and self._word(position - 1) in _BEFORE_STAR:
                self._stars.append(position)
            if word == "SELECT":
                self._stars = []
            position += 1

    def _brackets(self, opening: int, ctes: frozenset[str], *, expecting: bool = False) -> None:
        first, closing = opening + 1, self._closing[opening]
        word = self._word(first)
        if word in _BEGINS_QUERY and not (word in {"MAP", "REDUCE"} and self._word(first + 1) == "("):
            self.query(first, closing, ctes)
        elif expecting or word == "(":
            self.query(first, closing, ctes, expecting=expecting)
        else:
            self._expression(first, closing, ctes)

    def _expression(self, position: int, end: int, ctes: frozenset[str]) -> None:
        """Walk an expression, where FROM is a word of a function such as EXTRACT."""
        while position < end:
            if self._word(position) == "(":
                self._brackets(position, ctes)
                position = self._closing[position]
            position += 1

    def _ctes(self, position: int, end: int, ctes: frozenset[str]) -> tuple[int, frozenset[str]]:
        is_recursive = self._word(position) == "RECURSIVE"
        position += is_recursive
        while position < end:
            name = self._tokens[position].value.lower()
            while self._word(position) != "AS" and position < end:
                position = self._closing.get(position, position) + 1
            while self._word(position) != "(" and position < end:
                position += 1
            if position >= end:
                break
            self._brackets(position, ctes | {name} if is_recursive else ctes)
            ctes |= {name}
            position = self._closing[position] + 1
            if self._word(position) != ",":
                break
            position += 1
        return position, ctes

    def _stream(self, position: int, ctes: frozenset[str]) -> int:
        if self._word(position + 1) != "(":
            return self._read(position + 1, ctes, stream_at=position)
        closing = self._closing[position + 1]
        self._read(position + 2, ctes, stream_at=position, closing=closing)
        return closing + 1

    def _read(
        self, position: int, ctes: frozenset[str], *, stream_at: int | None = None, closing: int | None = None
    ) -> int:
        """Note the relation at a position and return the position behind it."""
        if self._word(position) == "(":
            self._brackets(position, ctes, expecting=True)
            return self._closing[position] + 1
        parts, after = self._parts(position)
        if not parts:
            return position + 1
        arguments = None
        if self._word(after) == "(" and after in self._closing:
            function, opening = parts[-1].lower(), after
            after = self._closing[opening] + 1
            if function == "identifier":
                parts, arguments = ("identifier",), tuple(self._tokens[opening + 1 : after - 1])
            elif function in READING_FUNCTIONS:
                parts, arguments = (function,), tuple(self._tokens[opening + 1 : after - 1])
            else:
                self._brackets(opening, ctes)
                return after
        elif len(parts) == 1 and parts[0].lower() in ctes:
            return after
        last = after if closing is None else closing + 1
        first = position if stream_at is None else stream_at
        self._add(parts, arguments, (first, last), is_streaming=stream_at is not None)
        return last

    def _add(
        self, parts: tuple[str, ...], arguments: tuple[Token, ...] | None, span: tuple[int, int], *, is_streaming: bool
    ) -> None:
        first, last = self._tokens[span[0]], self._tokens[span[1] - 1]
        place = place_of_alias(self._tokens, span[1])
        self.found.append(
            Relation(
                parts=parts,
                arguments=arguments,
                is_streaming=is_streaming,
                start=first.start,
                end=last.end,
                alias=alias_of(self._tokens, place),
                alias_at=self._tokens[place - 1].end,
                stars=tuple(self._stars),
                line=first.line,
            )
        )

    def _parts(self, position: int) -> tuple[tuple[str, ...], int]:
        parts: list[str] = []
        while position < len(self._tokens) and self._tokens[position].is_name:
            parts.append(self._tokens[position].value)
            position += 1
            if self._word(position) != ".":
                break
            position += 1
        return tuple(parts), position

    def _names_something(self, position: int) -> bool:
        if position >= len(self._tokens):
            return False
        token = self._tokens[position]
        return token.word == "(" or (token.is_name and token.word not in {"AS", "WHERE", "JOIN", "ON", *_ENDS_FROM})

    def _is_comparison(self, position: int) -> bool:
        return self._word(position - 1) == "DISTINCT" and self._word(position - 2) in {"IS", "NOT"}

    def _word(self, position: int) -> str:
        return self._tokens[position].word if 0 <= position < len(self._tokens) else ""


def _closings(tokens: Sequence[Token]) -> dict[int, int]:
    """Return for each opening bracket the position of the one that closes it."""
    waiting: list[int] = []
    closing: dict[int, int] = {}
    for position, token in enumerate(tokens):
        if token.word == "(":
            waiting.append(position)
        elif token.word == ")" and waiting:
            closing[waiting.pop()] = position
    # What is never closed is Spark's to refuse.
    return closing | dict.fromkeys(waiting, len(tokens) - 1)
