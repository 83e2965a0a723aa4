"""What the SQL functions `read_files` and `cloud_files` are called with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipeline.databricks.sql.tokens import Token
    from pipeline.declare.dataset import SourceLocation

_OPENING, _CLOSING = {"(", "["}, {")", "]"}
_CLOUD_FILES_ARGUMENTS = ("path", "format", "options")
# `read_files` finds the types of columns unless it is asked not to; Auto Loader's own default is text.
_INFERENCE = "cloudFiles.inferColumnTypes"
_WAYS_TO_SAY_INFERENCE = {"cloudfiles.infercolumntypes", "infercolumntypes"}


@dataclass(frozen=True)
class FileArguments:
    """The files that a query reads.

    Attributes:
        options: The reader's options under Databricks' names, `format` among them.
        schema: The columns, where the call gives them.
    """

    path: str
    options: Mapping[str, str] = field(default_factory=dict)
    schema: str | None = None


def file_arguments(
    function: str, tokens: Sequence[Token], where: SourceLocation, evaluate: Callable[[str], str]
) -> FileArguments:
    """Return what a reading function is called with.

    Args:
        function: `read_files` or `cloud_files`.
        tokens: Those between its brackets.
        where: The place of the call.
        evaluate: Returns the value of an expression that is not a literal, as a text.

    Raises:
        AuthorError: There is no path or no format, or an argument is not one of the function.
    """
    values: dict[str, str] = {}
    for position, argument in enumerate(_split(tokens)):
        key, value = _named(argument)
        if not key and function == "cloud_files" and position < len(_CLOUD_FILES_ARGUMENTS):
            key = _CLOUD_FILES_ARGUMENTS[position]
        elif not key and position == 0:
            key = "path"
        elif not key:
            problem = f"{where}: argument {position + 1} of `{function}` has no name."
            raise AuthorError(problem, "Write it as `name => value`.")
        if key.lower() == "options":
            values |= _map(value, where, evaluate)
        else:
            values[key] = _value(value, evaluate)
    return _arguments(function, values, where)


def _arguments(function: str, values: dict[str, str], where: SourceLocation) -> FileArguments:
    by_word = {key.lower(): key for key in values}
    path, schema = (values.pop(by_word[word]) if word in by_word else None for word in ("path", "schema"))
    if path is None:
        problem = f"{where}: `{function}` is called without a path."
        raise AuthorError(problem, f"Write it as the first argument: `{function}('/Volumes/...')`.")
    if "format" in by_word:
        values["format"] = values.pop(by_word["format"])
    if function == "read_files" and schema is None and not _WAYS_TO_SAY_INFERENCE.intersection(by_word):
        values[_INFERENCE] = "true"
    return FileArguments(path, values, schema)


def _named(argument: Sequence[Token]) -> tuple[str, Sequence[Token]]:
    arrow = next((at for at, token in enumerate(argument) if token.word == "=>"), None)
    if arrow is None:
        return "", argument
    return ".".join(token.value for token in argument[:arrow] if token.word != "."), argument[arrow + 1 :]


def _map(tokens: Sequence[Token], where: SourceLocation, evaluate: Callable[[str], str]) -> dict[str, str]:
    if len(tokens) < 3 or tokens[0].word != "MAP" or tokens[1].word != "(":  # noqa: PLR2004 - a word and two brackets
        problem = f"{where}: the options of `cloud_files` are not a map."
        raise AuthorError(problem, "Write them as `map('name', 'value')`.")
    items = [_value(item, evaluate) for item in _split(tokens[2:-1])]
    return dict(zip(items[::2], items[1::2], strict=False))


def _value(tokens: Sequence[Token], evaluate: Callable[[str], str]) -> str:
    if len(tokens) == 1 and (tokens[0].kind == "string" or tokens[0].word in {"TRUE", "FALSE"}):
        return tokens[0].value if tokens[0].kind == "string" else tokens[0].text.lower()
    if len(tokens) == 1 and tokens[0].text.isdecimal():
        return tokens[0].text
    return evaluate(_text(tokens))


def _text(tokens: Sequence[Token]) -> str:
    """Return tokens as a text that means the same; comments between them are gone."""
    text, end = "", None
    for token in tokens:
        text += (" " if end is not None and token.start > end else "") + token.text
        end = token.end
    return text


def _split(tokens: Sequence[Token]) -> list[list[Token]]:
    """Return the arguments between commas outside of brackets."""
    arguments: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token.word in _OPENING) - (token.word in _CLOSING)
        if token.word == "," and depth == 0:
            arguments.append([])
        else:
            arguments[-1].append(token)
    return [argument for argument in arguments if argument]
