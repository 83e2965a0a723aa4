"""Patterns for the names of files, as Spark's `pathGlobFilter` reads them."""

from __future__ import annotations

import re
from functools import cache

_SIGNS = {"*": ".*", "?": "."}
_IN_GROUP = {"{": "(?:", ",": "|", "}": ")"}


@cache
def glob_pattern(glob: str) -> re.Pattern[str]:
    r"""Return what matches the names that a glob matches.

    `*` is any text and `?` any character; `[ab]` and `[a-c]` are one of some characters, `[^ab]` one of the others;
    `{ab,cd}` is one of several patterns; a backslash takes the next character as it is.

    Raises:
        ValueError: A bracket or a brace is not closed, or a character is missing.
    """
    pattern, depth, rest = [], 0, glob
    while rest:
        sign, rest = rest[0], rest[1:]
        if sign == "\\":
            if not rest:
                raise ValueError("nothing follows the last backslash")
            pattern.append(re.escape(rest[0]))
            rest = rest[1:]
        elif sign == "[":
            characters, rest = _class(rest)
            pattern.append(characters)
        elif sign == "{" or (depth and sign in ",}"):
            depth += {"{": 1, "}": -1}.get(sign, 0)
            pattern.append(_IN_GROUP[sign])
        else:
            pattern.append(_SIGNS.get(sign) or re.escape(sign))
    if depth:
        raise ValueError("a brace is not closed")
    return re.compile("".join(pattern), re.DOTALL)


def _class(rest: str) -> tuple[str, str]:
    """Return the pattern of a class whose bracket has been read, and what follows it."""
    negated = rest[:1] in {"^", "!"}
    rest = rest[negated:]
    # A closing bracket that comes first is one of the characters.
    end = rest.find("]", 1)
    if end < 0:
        raise ValueError("a bracket is not closed")
    characters = re.sub(r"([\\\[\]^&~|])", r"\\\1", rest[:end])
    try:
        re.compile(f"[{characters}]")
    except re.error:
        raise ValueError(f"`[{rest[:end]}]` is not a range of characters") from None
    return f"[{'^' if negated else ''}{characters}]", rest[end + 1 :]
