"""Lines of CSV and text files, and values, that are too long to be collected."""

from __future__ import annotations

import io
import json
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.records.columns import Column, to_record_batch
from pipeline.records.csv import read_csv
from pipeline.records.options import TextOptions
from pipeline.records.text import read_text
from pipeline.records.values import Corrupt, RawNumber
from tests.records.test_json_long import MEGABYTE, Repeated

if TYPE_CHECKING:
    from pipeline.records.values import Record

MOST = 10_000
OPTIONS = TextOptions(max_record_bytes=MOST)


def shown(pieces: Any) -> list[Any]:
    return [one.text if isinstance(one, Corrupt) else one for piece in pieces for one in piece]


def beginning(line: str) -> str:
    kept = line.encode()[: 4 * 1024 + 3].decode(errors="ignore")
    return f"{kept}… [{len(line.encode())} bytes; max_record_bytes is {MOST}]"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("block_bytes", [7, 4_999, 1024 * 1024])
def test_long_line_of_csv_is_its_beginning_and_the_next_line_is_a_record(end: str, block_bytes: int) -> None:
    for line in ("a" * (MOST + 1), "é," * MOST, '"%s",b' % ("x" * MOST)):
        content = end.join(["a,b", "1,2", line, "3,4", line]).encode()
        found = read_csv(io.BytesIO(content), (), OPTIONS, block_bytes)
        assert shown(found) == [{"a": "1", "b": "2"}, beginning(line), {"a": "3", "b": "4"}, beginning(line)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_as_long_as_allowed_is_read_and_one_byte_more_is_not(end: str) -> None:
    for length, is_read in ((MOST, True), (MOST + 1, False)):
        line = "x" * length
        found = shown(read_text(io.BytesIO(f"a{end}{line}{end}b".encode()), (), OPTIONS))
        assert found == [{"value": "a"}, {"value": line} if is_read else beginning(line), {"value": "b"}]


def test_quote_that_is_not_closed_takes_no_more_lines_than_a_record_may_have() -> None:
    lines = ["x" * 3_000 for _ in range(5)]
    content = "\n".join(['a,"b', *lines, "1", "y" * (MOST + 1), '"c', "2"]).encode()
    options = TextOptions(max_record_bytes=MOST, header=False)
    assert shown(read_csv(io.BytesIO(content), (), options)) == [
        'a,"b', *({"_c0": line} for line in lines), {"_c0": "1"}, beginning("y" * (MOST + 1)), '"c', {"_c0": "2"},
    ]  # fmt: skip


@pytest.mark.parametrize("header", ["x" * (MOST + 1), "," * 200_000], ids=["long", "many columns"])
def test_csv_with_a_header_without_bounds_cannot_be_read(header: str) -> None:
    options = TextOptions(max_record_bytes=min(MOST * 100, len(header) if "," in header else MOST))
    with pytest.raises(OSError, match="header is longer than max_record_bytes or 100,000 columns"):
        list(read_csv(io.BytesIO(f"{header}\n1".encode()), (), options))


def test_line_with_too_many_fields_is_corrupt_without_being_split() -> None:
    many = "," * 200_000
    assert shown(read_csv(io.BytesIO(f"a,b\n{many}\n1,2".encode()))) == [many, {"a": "1", "b": "2"}]


@pytest.mark.parametrize("unit", [b" ", b",", b"x", b'"', b'x,"\n', b"\n", b"\r\n"])
@pytest.mark.parametrize("read", [read_csv, read_text])
def test_stream_of_any_length_is_read_in_constant_memory(read: Any, unit: bytes) -> None:
    stream = Repeated(b"a,b\n1,2\n", unit, 8 if b"\n" in unit else 40, b"\n3,4")
    count = 0
    last: list[Record] = []
    tracemalloc.start()
    try:
        for piece in read(stream, (), TextOptions(max_record_bytes=MEGABYTE)):
            count, last = count + len(piece), piece
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert last[-1] == ({"a": "3", "b": "4"} if read is read_csv else {"value": "3,4"})
    assert peak < 64 * MEGABYTE


def test_value_that_grows_beyond_a_record_makes_its_row_corrupt() -> None:
    columns = (Column("name", "string"), Column("list", "array<double>"))
    records: list[Record] = [
        {"name": "a", "list": [1.5]},
        {"name": "b", "list": [RawNumber("1e0")] * 2_000},
        {"name": "c", "list": None, "control": "\x00" * 3_000},
        {"name": [RawNumber("NaN")] * 2_400},
        Corrupt("d"),
    ]
    rows = to_record_batch(records, columns, "a.json", options=OPTIONS).to_pylist()
    none = {"name": None, "list": None, "_rescued_data": None}
    notes = [row["_corrupt_record"] for row in rows]
    assert rows[0] == {"name": "a", "list": [1.5], "_rescued_data": None, "_corrupt_record": None}
    assert [{**row, "_corrupt_record": None} for row in rows[1:]] == [{**none, "_corrupt_record": None}] * 4
    assert notes[4] == "d"
    for note, record in zip(notes[1:4], records[1:4], strict=True):
        assert note.startswith(json.dumps(record, separators=(",", ":"), default=lambda number: number.text)[:12])
        assert note.endswith("bytes; max_record_bytes is 10000]")
        assert len(note) < 5_000
