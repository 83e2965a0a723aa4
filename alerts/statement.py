"""A query's text with its moment put in as a literal."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from pipeline.errors import UnknownNameError

# Quoted text, quoted names and comments come first: a `:now` inside them is only text. A colon after a name
# or a bracket reaches into JSON, and two colons are a cast.
_TOKEN = re.compile(
    r"""
      '(?:[^'\\]|\\.|'')*'
    | "(?:[^"\\]|\\.|"")*"
    | `(?:[^`]|``)*`
    | --[^\n]*
    | /\*.*?\*/
    | (?<![\w:)\]`'"]):(?P<parameter>[A-Za-z_]\w*)
    """,
    re.VERBOSE | re.DOTALL,
)


def with_moment(sql: str, now: datetime, where: str) -> str:
    """Return the query with each `:now` replaced by a timestamp literal in UTC, and no closing semicolon.

    The literal carries its zone, so the warehouse's session zone does not matter.

    Args:
        sql: The query as its author wrote it.
        now: An aware moment.
        where: The file to name when the text holds another parameter.

    Raises:
        UnknownNameError: The text holds a parameter other than `:now`.
    """
    literal = f"TIMESTAMP '{now.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00:00'"

    def replace(match: re.Match[str]) -> str:
        parameter = match["parameter"]
        if parameter is None:
            return match[0]
        if parameter != "now":
            kind = "parameter"
            raise UnknownNameError(kind, f":{parameter}", [":now"], where)
        return literal

    return _TOKEN.sub(replace, sql).strip().rstrip(";").rstrip()
