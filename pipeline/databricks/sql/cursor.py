"""Reads the tokens of a statement one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from pipeline.databricks.sql.tokens import dotted
from pipeline.declare.dataset import SourceLocation
from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipeline.databricks.sql.statements import Statement
    from pipeline.databricks.sql.tokens import Token

_CLOSING = {"(": ")", "[": "]", "{": "}"}


class Cursor:
    """A place among the tokens of a statement.

    Args:
        statement: The statement.
        arguments: The values of `:name`, which `IDENTIFIER()` may use.
    """

    def __init__(self, statement: Statement, arguments: Mapping[str, str] | None = None) -> None:
        self._statement = statement
        self._tokens = statement.tokens
        self._arguments = arguments or {}
        self._next = 0

    @property
    def at_end(self) -> bool:
        """Whether every token has been taken."""
        return self._next >= len(self._tokens)

    @property
    def where(self) -> SourceLocation:
        """The place of the next token, or of the last one at the end."""
        token = self._tokens[min(self._next, len(self._tokens) - 1)]
        return SourceLocation(self._statement.file, token.line)

    def peek(self, ahead: int = 0) -> str:
        """Return a token to come as `Token.word` has it; nothing behind the end."""
        at = self._next + ahead
        return self._tokens[at].word if at < len(self._tokens) else ""

    def peek_token(self) -> Token | None:
        """Return the next token, or None at the end."""
        return None if self.at_end else self._tokens[self._next]

    def take(self) -> Token:
        """Return the next token and go on behind it."""
        if self.at_end:
            self.fail("something more")
        self._next += 1
        return self._tokens[self._next - 1]

    def accept(self, *words: str) -> bool:
        """Go on behind these words if they come next, and return whether they did."""
        if any(self.peek(ahead) != word for ahead, word in enumerate(words)):
            return False
        self._next += len(words)
        return True

    def expect(self, *words: str) -> None:
        """Go on behind these words.

        Raises:
            AuthorError: Something else comes.
        """
        if not self.accept(*words):
            self.fail(f"`{' '.join(words)}`")

    def name_part(self) -> str:
        """Return one part of a name, without quotes."""
        token = self.peek_token()
        if token is None or not (token.is_name or token.kind == "string"):
            self.fail("a name")
        return self.take().value

    def name(self) -> str:
        """Return a name of one or more parts, with dots between them, as `schema.table`; `LIVE.` is left out."""
        if self.peek() == "IDENTIFIER" and self.peek(1) == "(":
            self.expect("IDENTIFIER", "(")
            name = self.constant()
            self.expect(")")
            return name
        parts = [self.name_part()]
        while self.accept("."):
            parts.append(self.name_part())
        if len(parts) > 1 and parts[0].upper() == "LIVE":
            del parts[0]
        return dotted(parts)

    def constant(self) -> str:
        """Return a text that is known without any row: strings and `:name`, joined by `||`, or a plain name."""
        text = ""
        while True:
            token = self.take()
            if token.word == ":":
                text += self._argument(self.take())
            elif token.kind == "string" or token.is_name:
                text += token.value
            else:
                self.fail("a text", token)
            if not self.accept("||"):
                return text

    def names_in_brackets(self) -> tuple[str, ...]:
        """Return the names in a pair of brackets, with commas between them."""
        self.expect("(")
        names: list[str] = []
        while not self.accept(")"):
            names.append(self.name())
            if self.peek() != ")":
                self.expect(",")
        return tuple(names)

    def text_in_brackets(self) -> str:
        """Return the text between a pair of brackets as written."""
        self.expect("(")
        text = self.text_until(lambda: self.peek() == ")")
        self.expect(")")
        return text

    def text_until(self, ends: Callable[[], bool] = lambda: False) -> str:
        """Return the text as written up to where `ends` holds outside all brackets, or to the end."""
        first = self._next
        expected: list[str] = []
        while not self.at_end and (expected or not ends()):
            word = self.take().word
            if word in _CLOSING:
                expected.append(_CLOSING[word])
            elif expected and word == expected[-1]:
                expected.pop()
            elif word in _CLOSING.values():
                self._next -= 1
                self.fail(f"`{expected[-1]}`" if expected else "an expression")
        if expected:
            self.fail(f"`{expected[-1]}`")
        if first == self._next:
            self.fail("an expression")
        return self._statement.text[self._tokens[first].start : self._tokens[self._next - 1].end]

    def fail(self, expected: str, found: Token | None = None) -> NoReturn:
        """Raise an error that says what was expected at this place.

        Raises:
            AuthorError: Always.
        """
        token = found or self.peek_token()
        got = f"`{token.text}`" if token else "the end of the statement"
        raise AuthorError(f"{self.where}: got {got}; expected {expected}.", "Correct the statement.")

    def _argument(self, name: Token) -> str:
        if name.text not in self._arguments:
            problem = f"{self.where}: the parameter `{name.text}` has no value."
            raise AuthorError(problem, f"Give one in the settings: `configuration: {{{name.text}: ...}}`.")
        return self._arguments[name.text]
