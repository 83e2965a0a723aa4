"""The words, strings and signs of a SQL text, each with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from pipeline.declare.dataset import SourceLocation
from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from collections.abc import Iterable

Kind = Literal["word", "quoted", "string", "parameter", "sign"]

_TOKEN = re.compile(
    r"""
    (?P<blank>\s+|--(?:\\\n|[^\n])*)
    |(?P<string>[rR]'[^']*'|[rR]"[^"]*"|'(?:\\.|''|[^'\\])*'|"(?:\\.|""|[^"\\])*"|\$\$.*?\$\$)
    |(?P<quoted>`(?:``|[^`])*`)
    |(?P<parameter>\$\{[^{}]*\})
    |(?P<word>\w+)
    |(?P<sign>=>|::|\|\||\|>|<=>|->|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_MARK = re.compile(r"/\*|\*/")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|[0-3][0-7]{2}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "0": "\0", "Z": "\x1a", "%": r"\%", "_": r"\_"}


@dataclass(frozen=True)
class Token:
    """A word, a string or a sign.

    Attributes:
        text: As written, with its quotes.
        start: Where it begins in the whole text, in characters.
        line: The line it begins on, counted from 1.
    """

    kind: Kind
    text: str
    start: int
    line: int

    @property
    def end(self) -> int:
        """Where it ends in the whole text."""
        return self.start + len(self.text)

    @property
    def word(self) -> str:
        """An unquoted word in capitals, a sign as it is, and nothing for anything else."""
        return self.text.upper() if self.kind in {"word", "sign"} else ""

    @property
    def is_name(self) -> bool:
        """Whether it can be a part of a name."""
        return self.kind in {"word", "quoted"}

    @property
    def value(self) -> str:
        """What it stands for: a string or a quoted name without its quotes."""
        if self.kind == "quoted":
            return self.text[1:-1].replace("``", "`")
        if self.kind != "string":
            return self.text
        if self.text.startswith("$$"):
            return self.text[2:-2]
        if self.text[0] in "rR":
            return self.text[2:-1]
        quote = self.text[0]
        return _ESCAPE.sub(_unescaped, self.text[1:-1].replace(quote * 2, quote))


def dotted(parts: Iterable[str]) -> str:
    """Return a name of several parts; a part that could be taken for several is quoted."""
    return ".".join("`" + part.replace("`", "``") + "`" if "." in part or "`" in part else part for part in parts)


def tokens_of(text: str, file: str, first_line: int = 1) -> list[Token]:
    """Return the tokens of a SQL text without its comments.

    Raises:
        AuthorError: A string, a quoted name or a comment does not end.
    """
    tokens: list[Token] = []
    position, line = 0, first_line
    while position < len(text):
        end = _end_of_comment(text, position, SourceLocation(file, line)) if text.startswith("/*", position) else None
        if end is None:
            match = _TOKEN.match(text, position)
            assert match is not None
            end = match.end()
            kind = cast("Kind", match.lastgroup)
            if kind == "sign" and match[0] in "'\"`":
                problem = f"{SourceLocation(file, line)}: the text in {match[0]} does not end."
                raise AuthorError(problem, f"Close it with {match[0]}.")
            if match.lastgroup != "blank":
                tokens.append(Token(kind, match[0], position, line))
        line += text.count("\n", position, end)
        position = end
    return tokens


def _end_of_comment(text: str, start: int, where: SourceLocation) -> int:
    depth = 0
    for mark in _COMMENT_MARK.finditer(text, start):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    raise AuthorError(f"{where}: the comment does not end.", "Close it with */.")


def _unescaped(match: re.Match[str]) -> str:
    escaped = match[1]
    if len(escaped) == 1:
        return _ESCAPED.get(escaped, escaped)
    return chr(int(escaped[1:], 16)) if escaped[0] == "u" else chr(int(escaped, 8))
