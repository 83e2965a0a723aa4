"""How the text of files is spelled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_SWAPPED = str.maketrans(",.", ".,")


@dataclass(frozen=True, kw_only=True)
class TextOptions:
    """What a reader must know of files' text beyond their format; each format takes some of the options.

    Attributes:
        encoding: One of Python's names of an encoding, for files without a byte order mark. UTF-8 if None.
        delimiter: What separates the fields of a line: one or more characters.
        decimal: What separates the fraction of a number: `.` or `,`.
        header: Whether the first line names the columns. Otherwise they are `_c0`, `_c1` and so on.
        skip_rows: How many lines at the beginning of a file are ignored.
        row_tag: The name of the elements that are records.
        max_record_bytes: A longer record is not collected: its beginning and its length stand for it.
    """

    encoding: str | None = None
    delimiter: str = ","
    decimal: str = "."
    header: bool = True
    skip_rows: int = 0
    row_tag: str = ""
    max_record_bytes: int = 16 * 1024**2

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the first columns of files without a header, in order."""
        return ()

    def pointed(self, value: Any) -> Any:
        """Return a text that spells a number with the decimal sign as one with a point; none with a point is one."""
        return value.translate(_SWAPPED) if self.decimal == "," and isinstance(value, str) else value


AS_USUAL = TextOptions()
