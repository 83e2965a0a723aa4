"""Formats: CSV beside JSON, and what another would take."""

from __future__ import annotations

import csv
import gzip
import io
from typing import TYPE_CHECKING, Any, BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.declare.files_source import FilesSource
from pipeline.foundation.errors import AuthorError
from pipeline.records.csv import read_csv
from pipeline.records.formats import FORMATS, FileFormat
from pipeline.records.values import Corrupt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.records.columns import Column
    from pipeline.records.options import TextOptions
    from pipeline.records.values import Record
    from tests.conftest import TestLakehouse


def read(content: str | bytes, block_bytes: int = 1024) -> list[Any]:
    stream = io.BytesIO(content.encode() if isinstance(content, str) else content)
    return [record for records in read_csv(stream, block_bytes=block_bytes) for record in records]


def test_format_that_is_not_known_is_refused_with_those_that_are() -> None:
    assert tuple(FORMATS) == ("csv", "json", "text", "avro", "binaryFile", "orc", "parquet", "xml")
    with pytest.raises(AuthorError, match="avro, binaryFile, csv, json, orc, parquet, text, xml"):
        FilesSource.declared(path="things", format="notes", schema_hints="")


@pytest.mark.parametrize(
    ("content", "records"),
    [
        pytest.param("", [], id="empty"),
        pytest.param("a,b\n", [], id="header_alone"),
        pytest.param("a,b\n1,x\n", [{"a": "1", "b": "x"}], id="line"),
        pytest.param("\ufeff\n a ,b\r\n\r\n1,\r\n", [{"a": "1"}], id="mark_blanks_and_line_ends_of_windows"),
        pytest.param('a,b\n"1, ""x""\n2",y\n', [{"a": '1, "x"\n2', "b": "y"}], id="quotes"),
        pytest.param("a,b\n1\n2,x\n", [Corrupt("1"), {"a": "2", "b": "x"}], id="too_few"),
        pytest.param("a,b\n1,2,3\n4,x", [Corrupt("1,2,3"), {"a": "4", "b": "x"}], id="too_many"),
        pytest.param('a,b\n"1,2\n3,x\n', [Corrupt('"1,2'), {"a": "3", "b": "x"}], id="open_quote"),
        pytest.param('a,b\n"1"2,x\n3,y\n', [Corrupt('"1"2,x'), {"a": "3", "b": "y"}], id="text_behind_a_quote"),
        pytest.param(
            "a,,a,a2\n1,2,3,4\n", [{"a": "1", "_c1": "2", "a2": "3", "a23": "4"}], id="names_twice_or_missing"
        ),
        pytest.param(b"a\n\xff\n", [Corrupt("\\xff")], id="invalid_bytes"),
        pytest.param("a\n" + "x" * 200_000, [{"a": "x" * 200_000}], id="long_field"),
    ],
)
def test_csv_records_are_lines_under_the_header(content: str | bytes, records: list[Any]) -> None:
    assert read(content) == records


def test_csv_open_quote_costs_its_own_line_alone() -> None:
    found = read('a,b\n"open,1\n' + "2,x\n" * 10_000)
    assert found == [Corrupt('"open,1'), *[{"a": "2", "b": "x"}] * 10_000]


def test_csv_stream_that_breaks_off_yields_what_came_before() -> None:
    whole = gzip.compress(b"a,b\n" + b"".join(b"%d,x\n" % number for number in range(100_000)))
    found: list[Any] = []
    with gzip.open(io.BytesIO(whole[: len(whole) // 2])) as stream, pytest.raises(EOFError):
        for records in read_csv(stream):  # type: ignore[arg-type]
            found += records
    assert 1_000 < len(found) < 100_000
    assert found[:-1] == [{"a": str(number), "b": "x"} for number in range(len(found) - 1)]


FIELDS = st.text(st.sampled_from('ab1 ,"\n\r;é\ufeff'), min_size=1, max_size=6)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(st.tuples(FIELDS, FIELDS), max_size=6), st.integers(1, 40))
def test_csv_as_any_writer_makes_it_is_read_as_it_was(rows: list[tuple[str, str]], block_bytes: int) -> None:
    written = io.StringIO()
    csv.writer(written).writerows([("x", "y"), *rows])
    assert read(written.getvalue(), block_bytes) == [{"x": x, "y": y} for x, y in rows]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(FIELDS.filter(lambda text: "\n" not in text), max_size=6), st.integers(0, 6))
def test_csv_good_line_is_kept_beside_any_garbage_that_opens_no_quote(garbage: list[str], place: int) -> None:
    lines = [text for text in garbage if '"' not in text]
    lines.insert(place, "good,line")
    assert {"x": "good", "y": "line"} in read("x,y\n" + "\n".join(lines))


@pytest.mark.spark
def test_csv_files_evolve_and_rescue_as_json_does(things: Callable[[str], TestLakehouse]) -> None:
    lakehouse = things('format="csv", schema_hints="a STRING, b DOUBLE"')
    lakehouse.land("a.csv", "a,b\n007,1.5\n1.50,warm\n9\n", folder="things")
    lakehouse.land("b.csv.gz", gzip.compress(b"b,c,d\n2,true,\n"), folder="things")
    lakehouse.land("c.json", [{"a": "not this"}], folder="things")
    assert lakehouse.update().state == "COMPLETED"
    rows = lakehouse.rows("things", "a", "b", "c", "_rescued_data", "_corrupt_record")
    path = lakehouse.home.landing / "things" / "a.csv"
    assert sorted((tuple(row.values()) for row in rows), key=str) == [
        ("007", 1.5, None, None, None),
        ("1.50", None, None, f'{{"b":"warm","_file_path":"{path}"}}', None),
        (None, 2.0, True, None, None),
        (None, None, None, None, "9"),
    ]
    assert "d" not in lakehouse.columns("things")


def _read_notes(stream: BinaryIO, _columns: tuple[Column, ...], _options: TextOptions) -> Iterator[list[Record]]:
    yield [{"text": line.decode().rstrip()} for line in stream]


@pytest.mark.spark
def test_another_format_is_one_entry(things: Callable[[str], TestLakehouse], monkeypatch: pytest.MonkeyPatch) -> None:
    notes = FileFormat("notes", _read_notes, options=frozenset(), extensions=("note",))
    monkeypatch.setitem(FORMATS, "notes", notes)
    lakehouse = things('format="notes"')
    lakehouse.land("a.note", "one\ntwo\n", folder="things")
    assert lakehouse.update().state == "COMPLETED"
    assert [row["text"] for row in lakehouse.rows("things", "text")] == ["one", "two"]
