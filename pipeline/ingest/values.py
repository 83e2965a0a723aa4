"""What a file's records are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# Deeper nesting counts as text that cannot be parsed. It is far below what any of the JSON libraries in use
# can bear, so that all of them, in any call depth, judge a record alike.
MAX_DEPTH = 200


@dataclass(frozen=True, slots=True)
class Corrupt:
    """A record that is no good object.

    Attributes:
        text: The record as it stands in the file, without surrounding blanks and separators.
    """

    text: str


@dataclass(frozen=True, slots=True)
class RawNumber:
    """A number that is not finite (`NaN`, `-Infinity`, `1e999`) or too long to compute with.

    Attributes:
        text: The number as it stands in the file.
    """

    text: str


Record = dict[str, Any] | Corrupt
