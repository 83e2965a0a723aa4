"""CSV: a header, then one record a line; quoted fields may hold commas, quotes and line ends."""

from __future__ import annotations

import csv
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO

from pipeline.ingest.blocks import BlockReader
from pipeline.ingest.fitting import FITTINGS, MISFIT
from pipeline.ingest.values import Corrupt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.ingest.columns import ColumnType
    from pipeline.ingest.values import Record

_BLOCK_BYTES = 1024 * 1024
_RECORDS_IN_A_LIST = 4_000
# A quote that is never closed would swallow the rest of the file, good records and all.
_MOST_LINES_OF_A_RECORD = 200

csv.field_size_limit(2**31 - 1)


def read_records(stream: BinaryIO) -> Iterator[list[Record]]:
    """Yield a stream's records: objects of texts; an empty field is left out.

    The first line that is not blank names the columns; a name that is missing or there already gets its
    number. A line with more or fewer fields than names, or with a quote that is not closed, is corrupt; the
    next line is a record of its own. Text is UTF-8; a byte order mark is skipped, invalid bytes are replaced.

    Raises:
        Exception: Reading failed; the records before were yielded.
    """
    reader = BlockReader(stream)
    records = _records(_Lines(reader))
    while batch := list(islice(records, _RECORDS_IN_A_LIST)):
        yield batch
    if reader.failure:
        raise reader.failure


def type_of(value: Any) -> ColumnType | None:
    """Return the type that a field's text spells."""
    if FITTINGS["boolean"](value) is not MISFIT:
        return "boolean"
    return "double" if FITTINGS["double"](value) is not MISFIT else "string"


class _Lines:
    """A stream's lines with their ends, some of which can be put back."""

    def __init__(self, reader: BlockReader) -> None:
        self._lines = _lines(reader)
        self._again: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        return self._again.pop() if self._again else next(self._lines)

    def put_back(self, lines: list[str]) -> None:
        self._again += reversed(lines)


def _lines(reader: BlockReader) -> Iterator[str]:
    rest = b""
    while not reader.ended:
        *lines, rest = (rest + reader.read(max(_BLOCK_BYTES, len(rest)))).split(b"\n")
        for line in lines:
            yield line.decode("utf-8", "replace") + "\n"
    if rest:
        yield rest.decode("utf-8", "replace")


def _records(lines: _Lines) -> Iterator[Record]:
    names: list[str] | None = None
    for line in lines:
        if not line.strip():
            continue
        fields, further = _fields(line, lines)
        if names is None:
            names = _names(fields if fields is not None else line.rstrip("\r\n").split(","))
            lines.put_back(further if fields is None else [])
        elif fields is None or len(fields) != len(names):
            lines.put_back(further)
            yield Corrupt(line.rstrip("\r\n"))
        else:
            yield {name: field for name, field in zip(names, fields, strict=True) if field}


def _fields(line: str, lines: _Lines) -> tuple[list[str] | None, list[str]]:
    """Return the fields of a record that begins with a line, or None, and the further lines that it took."""
    if '"' not in line:
        return line.rstrip("\r\n").split(","), []
    further: list[str] = []

    def taken() -> Iterator[str]:
        yield line
        for next_line in islice(lines, _MOST_LINES_OF_A_RECORD):
            further.append(next_line)
            yield next_line

    try:
        return next(csv.reader(taken(), strict=True)), further
    except csv.Error:
        return None, further


def _names(fields: list[str]) -> list[str]:
    names: list[str] = []
    for number, field in enumerate(fields):
        name = field.strip()
        if not name or name in names:
            name = f"{name or '_c'}{number}"
        while name in names:
            name += "_"
        names.append(name)
    return names
