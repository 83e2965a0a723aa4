"""Lines read straight into columns: what is taken reads as record by record, and all else is left."""

from __future__ import annotations

import io
import json
import random
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.records.columns import Column, to_record_batch
from pipeline.records.json import read_json
from pipeline.records.json_typed import read_typed_lines
from pipeline.records.values import Corrupt
from tests.records.test_json import OBJECTS, PIECED_TEXTS, FailingStream, records_of

if TYPE_CHECKING:
    from pipeline.records.values import Record

COLUMNS = (Column("a", "string"), Column("b", "double"), Column("c", "boolean"))


def record_by_record(content: bytes) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = to_record_batch(records_of(content), COLUMNS, "sent.json").to_pylist()
    return rows


def with_nothing_amiss(rows: pa.RecordBatch) -> list[dict[str, Any]]:
    return [{**row, "_rescued_data": None, "_corrupt_record": None} for row in rows.to_pylist()]


@pytest.mark.parametrize(
    ("block", "rows"),
    [
        ('{"a":"x","b":1.5,"c":true}\n', [("x", 1.5, True)]),
        ('{"b":1,"a":"x"}\n{"a":null,"b":2}\n', [("x", 1.0, None), (None, 2.0, None)]),
        ('{"a":"x"}\r\n\n  {"a":"y"}', [("x", None, None), ("y", None, None)]),
        ('{"a":"x"}{"a":"y"} ', [("x", None, None), ("y", None, None)]),
        ('{"a":"é 世 \\u00e9 \\"\\\\ 2026-01-01T00:00:00Z"}', [('é 世 é "\\ 2026-01-01T00:00:00Z', None, None)]),
        ('{"a":\n"x",\n"b":\n-2.5e-3\n}', [("x", -0.0025, None)]),
        ('{"a":"null"}\n{"a":"{}"}', [("null", None, None), ("{}", None, None)]),
        ('{"a":null,"b":1}\n{"a":"x","b":null}', [(None, 1.0, None), ("x", None, None)]),
        ('{"b":9007199254740991}\n{"b":0.1234567890123456789}', [(None, 2.0**53 - 1, None), (None, 0.12345678901234568, None)]),
    ],
)  # fmt: skip
def test_lines_whose_values_all_fit_are_rows(block: str, rows: list[tuple[Any, ...]]) -> None:
    taken = read_typed_lines(block.encode(), COLUMNS)
    assert taken is not None
    assert taken.schema == pa.schema([("a", pa.string()), ("b", pa.float64()), ("c", pa.bool_())])
    assert [tuple(row.values()) for row in taken.to_pylist()] == rows


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b'[{"a":"x"}]', id="array"),
        pytest.param(b'{"a":"x"},\n{"a":"y"}', id="elements"),
        pytest.param(b'\xef\xbb\xbf{"a":"x"}', id="byte_order_mark"),
        pytest.param(b'{"a":"x"}\nnull\n', id="null_alone"),
        pytest.param(b'{"a":"x"}\n7\n', id="number_alone"),
        pytest.param(b'{"a":"x","a":"y"}', id="key_twice"),
        pytest.param(b'{"a":null,"a":"y"}', id="key_twice_once_null"),
        pytest.param(b'{"a":"x","\\u0061":"y"}', id="key_twice_once_escaped"),
        pytest.param(b'{"a":"x","d":1}', id="key_without_column"),
        pytest.param(b'{"A":"x"}', id="key_in_another_case"),
        pytest.param(b'{"a":1}', id="number_for_a_text"),
        pytest.param(b'{"a":{"b":1}}', id="object_for_a_text"),
        pytest.param(b'{"b":"1"}', id="text_for_a_number"),
        pytest.param(b'{"b":true}', id="truth_for_a_number"),
        pytest.param(b'{"b":9007199254740993}', id="integer_that_no_double_holds"),
        pytest.param(b'{"b":-9007199254740993}', id="negative_integer_that_no_double_holds"),
        pytest.param(b'{"b":NaN}', id="not_a_number"),
        pytest.param(b'{"b":-Infinity}', id="infinity"),
        pytest.param(b'{"b":1e999}', id="too_large"),
        pytest.param(b'{"c":"true"}', id="text_for_a_truth"),
        pytest.param(b'{"a":"\xff"}', id="no_utf8"),
        pytest.param(b'{"a":"\\ud800"}', id="half_a_character"),
        pytest.param(b'{"a":"\\udc00"}', id="other_half_of_a_character"),
        pytest.param(b'{"a":"x\ny"}', id="line_end_in_a_text"),
        pytest.param(b'{"a":"x"}\n{"a":"y', id="cut"),
        pytest.param(b'{"a":"x",}', id="surplus_comma"),
        pytest.param(b'{"a":"x"}\x00{"a":"y"}', id="nul"),
    ],
)
def test_block_with_anything_else_is_left(block: bytes) -> None:
    assert read_typed_lines(block, COLUMNS) is None


def test_rows_of_no_columns_are_left() -> None:
    assert read_typed_lines(b"{}", ()) is None


FITTING = st.fixed_dictionaries(
    {},
    optional={
        "a": st.none() | st.text(max_size=6),
        "b": st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**60), 2**60),
        "c": st.none() | st.booleans(),
    },
)
LINES = (st.lists(FITTING, max_size=6) | st.lists(FITTING | OBJECTS, max_size=6)).map(
    lambda rows: "\n".join(map(json.dumps, rows))
)


@settings(max_examples=800, deadline=None)
@given((LINES | PIECED_TEXTS | st.tuples(LINES, PIECED_TEXTS).map("\n".join)).map(str.encode) | st.binary(max_size=60))
@example(b'{"a":"x"}\n null')
@example(b'{"b":-0}\n{"b":-0.0}')
def test_what_is_taken_reads_as_record_by_record(block: bytes) -> None:
    taken = read_typed_lines(block, COLUMNS)
    if taken is not None:
        assert with_nothing_amiss(taken) == record_by_record(block)


def pieces_of(content: bytes, block_bytes: int) -> tuple[list[dict[str, Any]], int]:
    """Return the rows of what is yielded, in order, and how many of them came as rows."""
    found: list[dict[str, Any]] = []
    typed = 0
    for piece in read_json(io.BytesIO(content), COLUMNS, piece_bytes=block_bytes, least_typed_bytes=2):
        if isinstance(piece, pa.RecordBatch):
            typed += piece.num_rows
            found += with_nothing_amiss(piece)
        else:
            found += to_record_batch(piece, COLUMNS, "sent.json").to_pylist()
    return found, typed


@settings(max_examples=300, deadline=None)
@given(
    st.lists(LINES | PIECED_TEXTS, max_size=8).map(lambda parts: "\n".join(parts).encode()),
    st.sampled_from([8, 50, 400]),
)
def test_rows_and_records_of_blocks_of_any_size_are_those_of_the_whole(content: bytes, block_bytes: int) -> None:
    found, _ = pieces_of(content, block_bytes)
    assert repr(found) == repr(record_by_record(content))


def test_block_that_does_not_fit_is_read_record_by_record_and_later_ones_fast_again() -> None:
    chance = random.Random(3)
    rows: list[dict[str, Any]] = [{"a": f"device {number}", "b": chance.gauss(25, 8)} for number in range(4_000)]
    rows[100]["b"] = "hot"
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    found, typed = pieces_of(content, 4_096)
    assert found == record_by_record(content)
    assert found[100]["_rescued_data"] == '{"b":"hot","_file_path":"sent.json"}'
    assert 3_500 < typed < 4_000


def test_stream_that_fails_gives_its_rows_then_the_cut_record_then_the_failure() -> None:
    stream = FailingStream(b'{"a":"1"}\n' * 20 + b'{"a":', EOFError("cut"))
    pieces: list[list[Record] | pa.RecordBatch] = []
    with pytest.raises(EOFError):
        for piece in read_json(stream, COLUMNS, piece_bytes=100, least_typed_bytes=2):  # type: ignore[arg-type]
            pieces.append(piece)  # noqa: PERF402 - what came before the failure is to be seen
    first, second, last = pieces
    assert isinstance(first, pa.RecordBatch)
    assert isinstance(second, pa.RecordBatch)
    assert (first.num_rows, second.num_rows, last) == (10, 10, [Corrupt('{"a":')])


@pytest.mark.parametrize("between", [", ", ",", ",\n  ", "\n,"])
@pytest.mark.parametrize("size", [100, 200, 1000, 10_000])
def test_elements_of_an_array_are_rows_whatever_stands_between_them(between: str, size: int) -> None:
    columns = (Column("id", "bigint"), Column("v", "array<struct<id:int>>"), Column("t", "string"))
    expected = [{"id": number, "v": [{"id": 1}, {"id": 2}], "t": "}, {"} for number in range(60)]
    text = "[" + between.join(json.dumps(row) for row in expected) + "]\n"

    pieces = list(read_json(io.BytesIO(text.encode()), columns, piece_bytes=size, least_typed_bytes=1))

    rows: list[Any] = [
        row for piece in pieces for row in (piece.to_pylist() if isinstance(piece, pa.RecordBatch) else piece)
    ]
    assert [{name: row[name] for name in ("id", "v", "t")} for row in rows] == expected


@pytest.mark.parametrize(
    "other", ["null", "5", '{"id": 1, "id": 2}', "{id: 1}", '{"id": 1} x', '{"x": 1}', "", '"}, {\\"id\\": 1"', "[{}]"]
)
def test_element_that_is_not_a_row_is_found_among_rows(other: str) -> None:
    columns = (Column("id", "bigint"),)
    text = f'[{{"id": 1}}, {{"id": 2}}, {other}, {{"id": 3}}, {{"id": 4}}]'
    plain = [record for piece in read_json(io.BytesIO(text.encode()), least_typed_bytes=10**9) for record in piece]

    typed = list(read_json(io.BytesIO(text.encode()), columns, least_typed_bytes=1))

    assert all(isinstance(piece, list) for piece in typed)
    assert [record for piece in typed for record in piece] == plain
