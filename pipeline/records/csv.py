"""CSV: a header, then one record a line; quoted fields may hold delimiters, quotes and line ends."""

from __future__ import annotations

import csv
import errno
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO

from pipeline.records.blocks import BlockReader
from pipeline.records.encoding import WrongEncodingError, shown
from pipeline.records.lines import Lines, LongLine, in_lists
from pipeline.records.long_record import corrupt
from pipeline.records.options import AS_USUAL, TextOptions
from pipeline.records.values import Corrupt, Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.records.columns import Column

_MOST_COLUMNS = 100_000
# The fields of a longer line are counted before they are split.
_LONG_LINE = 64 * 1024
# A quote that is never closed would swallow the rest of the file, good records and all.
_MOST_LINES_OF_A_RECORD = 200
_LINE_ENDS = "\r\n"
# Python's reader wants one character for the delimiter; a decoded text never holds this one.
_DELIMITER = "\ud800"

csv.field_size_limit(2**31 - 1)


def read_csv(
    stream: BinaryIO,
    _columns: tuple[Column, ...] = (),
    options: TextOptions = AS_USUAL,
    block_bytes: int = 1024 * 1024,
) -> Iterator[list[Record]]:
    """Yield a stream's records: objects of texts; an empty field is left out.

    Lines end with LF, CRLF or CR. The first line that is not blank names the columns; a name that is missing or
    there already gets its number. Without a header the first record says how many columns there are. A line with
    more or fewer fields than columns, with a quote that is not closed, with bytes that are not characters or with more
    than `max_record_bytes` is corrupt; the next line is a record of its own.

    Raises:
        Exception: Reading failed; the records before were yielded.
    """
    reader = BlockReader(stream, options.encoding)
    lines = Lines(reader, options.max_record_bytes, block_bytes)
    yield from in_lists(_records(lines, options), lines)
    if reader.failure:
        raise reader.failure


def _records(lines: Lines, options: TextOptions) -> Iterator[Record]:
    names: list[str] | None = None
    for line in islice(lines, options.skip_rows, None):
        if not line.strip() and options.delimiter not in line.strip(_LINE_ENDS):
            continue
        if isinstance(line, LongLine) or _is_split_in_vain(line, names, options.delimiter):
            if names is None and options.header:
                raise OSError(errno.EFBIG, f"its header is longer than max_record_bytes or {_MOST_COLUMNS:,} columns")
            yield Corrupt(line) if isinstance(line, LongLine) else corrupt(line.rstrip(_LINE_ENDS), lines.most)
            continue
        fields, further = _fields(line, lines, options.delimiter)
        if names is None and options.header:
            if lines.hold_bytes(line, []):
                raise WrongEncodingError(f"the header holds bytes that are not characters: {shown(line.strip())}")
            lines.put_back(further if fields is None else [])
            names = _names(line.rstrip(_LINE_ENDS).split(options.delimiter) if fields is None else fields)
            continue
        if names is None and fields is not None:
            names = [*options.names, *(f"_c{number}" for number in range(len(options.names), len(fields)))]
        if fields is None or names is None or len(fields) != len(names):
            lines.put_back(further)
            yield corrupt(line.rstrip(_LINE_ENDS), lines.most)
        elif lines.hold_bytes(line, further):
            yield corrupt("".join([line, *further]).rstrip(_LINE_ENDS), lines.most)
        else:
            yield {name: field for name, field in zip(names, fields, strict=True) if field}


def _is_split_in_vain(line: str, names: list[str] | None, delimiter: str) -> bool:
    """Return whether a long line shows by the number of its delimiters that it is corrupt."""
    if len(line) < _LONG_LINE or (names is not None and '"' in line):
        return False
    count = line.count(delimiter) + 1
    return count > _MOST_COLUMNS if names is None else count != len(names)


def _fields(line: str, lines: Lines, delimiter: str) -> tuple[list[str] | None, list[str]]:
    """Return the fields of a record that begins with a line, or None, and the further lines that it took."""
    if '"' not in line:
        return line.rstrip(_LINE_ENDS).split(delimiter), []
    further: list[str] = []
    is_long = len(delimiter) > 1
    one = _DELIMITER if is_long else delimiter

    def taken() -> Iterator[str]:
        yield line.replace(delimiter, one) if is_long else line
        length = len(line)
        for next_line in islice(lines, _MOST_LINES_OF_A_RECORD):
            further.append(next_line)
            length += len(next_line)
            if isinstance(next_line, LongLine) or length > lines.most:
                return
            yield next_line.replace(delimiter, one) if is_long else next_line

    try:
        fields = next(csv.reader(taken(), delimiter=one, strict=True))
    except csv.Error:
        return None, further
    return [field.replace(one, delimiter) for field in fields] if is_long else fields, further


def _names(fields: list[str]) -> list[str]:
    names: dict[str, None] = {}
    for number, field in enumerate(fields):
        name = field.strip()
        if not name or name in names:
            name = f"{name or '_c'}{number}"
        while name in names:
            name += "_"
        names[name] = None
    return [*names]
