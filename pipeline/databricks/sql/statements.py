"""The statements of a SQL file or notebook, with their lines and the pipeline's parameters put in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.databricks.sql.tokens import Token, tokens_of
from pipeline.declare.dataset import SourceLocation
from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NOTEBOOK = "-- Databricks notebook source"
_CELL_END = re.compile(r"^-- COMMAND -+[ \t]*$", re.MULTILINE)
_MAGIC = re.compile(r"^-- MAGIC ?", re.MULTILINE)
_MAGIC_COMMAND = re.compile(r"(?:\s|--[^\n]*\n)*%(\w+)")
_PARAMETER = re.compile(r"\$\{([^{}]*)\}")


@dataclass(frozen=True)
class Cell:
    """A part of a file that is written in one language.

    Attributes:
        text: Its SQL, or what follows a magic command of another language.
        line: The line of the file that it begins on.
        magic: The command that it begins with, such as `md`; empty for SQL.
    """

    text: str
    line: int
    magic: str = ""


@dataclass(frozen=True)
class Statement:
    """One statement, without the semicolon after it.

    Attributes:
        text: From its first word to its last.
        tokens: Its tokens, whose places are those in `text`, and whose lines are those of the file.
    """

    text: str
    file: str
    tokens: tuple[Token, ...]

    @property
    def where(self) -> SourceLocation:
        """The file and line that it begins on."""
        return SourceLocation(self.file, self.tokens[0].line)

    @property
    def first_words(self) -> str:
        """Its first words, to name it by."""
        words = " ".join(token.text for token in self.tokens[:4])
        return f"{words} ..." if len(self.tokens) > 4 else words  # noqa: PLR2004 - so many words name a statement

    def with_parameters(self, values: Mapping[str, str]) -> Statement:
        """Return it with `${name}` replaced by the value of that name.

        Raises:
            AuthorError: A parameter has no value.
        """
        text = self.text
        for token in reversed(self.tokens):
            if "${" in token.text:
                text = text[: token.start] + self._filled(token, values) + text[token.end :]
        if text == self.text:
            return self
        return Statement(text, self.file, tuple(tokens_of(text, self.file, self.tokens[0].line)))

    def _filled(self, token: Token, values: Mapping[str, str]) -> str:
        def value(match: re.Match[str]) -> str:
            name = match[1].strip()
            if name not in values:
                problem = f"{SourceLocation(self.file, token.line)}: the parameter `{name}` has no value."
                raise AuthorError(problem, f"Give one in the settings: `configuration: {{{name}: ...}}`.")
            return values[name]

        return _PARAMETER.sub(value, token.text)


def cells_of(text: str, first_line: int = 1) -> Iterator[Cell]:
    """Yield the cells of a text, which the separators of an exported notebook end even without its first line."""
    position = 0
    ends = [*((match.start(), match.end()) for match in _CELL_END.finditer(text)), (len(text), len(text))]
    for end, next_start in ends:
        body, line = text[position:end].removeprefix(_NOTEBOOK), text.count("\n", 0, position) + first_line
        without_marks = _MAGIC.sub("", body)
        command = _MAGIC_COMMAND.match(without_marks) if without_marks != body else None
        if command and command[1] == "sql":
            # Blanks keep the places of what follows.
            yield Cell(without_marks.replace("%sql", "    ", 1), line)
        elif command:
            yield Cell(without_marks[command.end() :].strip(), line, command[1])
        else:
            yield Cell(body, line)
        position = next_start


def statements_of(cell: Cell, file: str) -> Iterator[Statement]:
    """Yield the statements of a cell of SQL, in its order.

    Raises:
        AuthorError: A string or a comment does not end.
    """
    group: list[Token] = []
    for token in tokens_of(cell.text, file, cell.line):
        if token.word != ";":
            group.append(token)
        elif group:
            yield _statement(cell.text, file, group)
            group = []
    if group:
        yield _statement(cell.text, file, group)


def _statement(text: str, file: str, group: list[Token]) -> Statement:
    start = group[0].start
    tokens = tuple(Token(token.kind, token.text, token.start - start, token.line) for token in group)
    return Statement(text[start : group[-1].end], file, tokens)
