from __future__ import annotations

import gzip
import io
import json
import random
import time
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.records.json import read_json
from pipeline.records.json_exact import scan_records
from pipeline.records.values import MAX_DEPTH, Corrupt, json_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

    from pipeline.records.values import Record


def read_json_records(stream: BinaryIO, piece_bytes: int = 512 * 1024) -> Iterator[list[Record]]:
    for piece in read_json(stream, piece_bytes=piece_bytes):
        assert isinstance(piece, list)
        yield piece


def records_of(content: bytes | str, piece_bytes: int = 4 * 1024 * 1024) -> list[Record]:
    data = content.encode() if isinstance(content, str) else content
    return [record for piece in read_json_records(io.BytesIO(data), piece_bytes) for record in piece]


def shown(records: list[Record]) -> list[Any]:
    """Corrupt records as their text, others as they are."""
    return [record.text if isinstance(record, Corrupt) else record for record in records]


@pytest.mark.parametrize(
    ("content", "records"),
    [
        pytest.param("", [], id="empty"),
        pytest.param(" \t\r\n\n", [], id="blanks"),
        pytest.param("[]", [], id="empty_array"),
        pytest.param("[ ]\n[]", [], id="empty_arrays"),
        pytest.param("{}", [{}], id="empty_object"),
        pytest.param('{"a":1}\n{"a":2}\n', [{"a": 1}, {"a": 2}], id="lines"),
        pytest.param('{"a":1}\r\n{"a":2}', [{"a": 1}, {"a": 2}], id="lines_of_windows"),
        pytest.param('{"a":1}\r{"a":2}\r', [{"a": 1}, {"a": 2}], id="lines_of_old_macs"),
        pytest.param('{"a":1}\n\n  {"a":2}\n', [{"a": 1}, {"a": 2}], id="lines_with_blanks"),
        pytest.param('{\n  "a": 1\n}', [{"a": 1}], id="indented_object"),
        pytest.param('[{"a":1},{"a":2}]', [{"a": 1}, {"a": 2}], id="array"),
        pytest.param('[\n  {\n    "a": 1\n  },\n  {\n    "a": 2\n  }\n]\n', [{"a": 1}, {"a": 2}], id="indented_array"),
        pytest.param('[\n{"a":1},\n{"a":2}\n]\n', [{"a": 1}, {"a": 2}], id="array_with_an_element_a_line"),
        pytest.param('[{"a":1}][{"a":2}]', [{"a": 1}, {"a": 2}], id="two_arrays_on_a_line"),
        pytest.param('[{"a":1}]\n{"a":2}\n[{"a":3}]', [{"a": 1}, {"a": 2}, {"a": 3}], id="arrays_and_objects"),
        pytest.param('{"a":1}{"a":2} {"a":3}', [{"a": 1}, {"a": 2}, {"a": 3}], id="adjacent_objects"),
        pytest.param('[[{"a":1}],[[{"a":2}]]]', [{"a": 1}, {"a": 2}], id="arrays_in_an_array"),
        pytest.param('[{"a":1},,{"a":2},]', [{"a": 1}, {"a": 2}], id="surplus_commas"),
        pytest.param('[{"a":1},', [{"a": 1}], id="array_cut_after_a_comma"),
        pytest.param('{"a":{"b":[{"c":1}]}}', [{"a": {"b": [{"c": 1}]}}], id="nested"),
        pytest.param('{"a":"}{,[\\n\\"\\\\"}', [{"a": '}{,[\n"\\'}], id="structure_inside_a_text"),
    ],
)
def test_file_that_parses_gives_its_objects_in_order(content: str, records: list[Record]) -> None:
    assert records_of(content) == records


@pytest.mark.parametrize(
    ("content", "records"),
    [
        pytest.param("hello", ["hello"], id="a_word"),
        pytest.param("hello\nworld\n", ["hello\nworld"], id="words_on_lines_are_one_stretch"),
        pytest.param('hello\n{"a":1}\nworld', ["hello", {"a": 1}, "world"], id="an_object_line_ends_a_stretch"),
        pytest.param('{"a":\n{"a"\n', ['{"a":', '{"a"'], id="two_broken_lines_are_two"),
        pytest.param('{"a":1,\n{"a":2}', ['{"a":1,', {"a": 2}], id="a_cut_line_keeps_its_comma"),
        pytest.param('[{"a":1},{"a":x},{"a":3}]', [{"a": 1}, '{"a":x}', {"a": 3}], id="broken_element"),
        pytest.param('[{"a":x},{"a":2}]', ['{"a":x}', {"a": 2}], id="broken_first_element"),
        pytest.param('[{"a":1},{"a":x}]', [{"a": 1}, '{"a":x}'], id="broken_last_element_without_the_array_end"),
        pytest.param(
            '[{"a":1},{"a":[x]} ] \n', [{"a": 1}, '{"a":[x]}'], id="broken_last_element_with_its_own_array_end"
        ),
        pytest.param('[oops,{"a":2}]', ["oops", {"a": 2}], id="a_word_as_element"),
        pytest.param('[{"a":1},{"a":', [{"a": 1}, '{"a":'], id="cut_array"),
        pytest.param('{"a":1} junk', [{"a": 1}, "junk"], id="trailing_junk"),
        pytest.param('{"a":1}} {"a":2}', [{"a": 1}, '} {"a":2}'], id="a_brace_does_not_end_a_stretch"),
        pytest.param('junk {"a":1}', ['junk {"a":1}'], id="an_object_after_a_word_is_in_the_stretch"),
        pytest.param('junk, {"a":1}', ["junk", {"a": 1}], id="an_object_after_a_comma_ends_a_stretch"),
        pytest.param('junk] {"a":1}', ["junk", {"a": 1}], id="an_object_after_a_bracket_ends_a_stretch"),
        pytest.param('junk,{"a":x} {"a":1}', ['junk,{"a":x} {"a":1}'], id="what_begins_after_a_comma_must_parse"),
        pytest.param(
            '{"a": x, "b": {"c": 1}, "d": 2}\n', ['{"a": x, "b": {"c": 1}, "d": 2}'], id="a_member_is_no_record"
        ),
        pytest.param(
            '[\n  {\n    "a": x,\n    "b": 1\n  },\n  {\n    "a": 2\n  }\n]',
            ['{\n    "a": x,\n    "b": 1\n  }', {"a": 2}],
            id="broken_object_of_an_indented_array_is_one",
        ),
    ],
)
def test_broken_stretch_ends_where_a_record_begins_and_loses_nothing(content: str, records: list[Any]) -> None:
    assert shown(records_of(content)) == records


@pytest.mark.parametrize("scalar", ["1", "-2.5e3", '"text, {}"', "null", "true", "NaN", "-Infinity", "1e999"])
def test_scalar_where_an_object_belongs_is_corrupt_with_its_text(scalar: str) -> None:
    assert records_of(f'[{scalar}, {{"a":1}}, {scalar}]\n{scalar}\n{scalar}') == [
        Corrupt(scalar),
        {"a": 1},
        Corrupt(scalar),
        Corrupt(scalar),
        Corrupt(scalar),
    ]


def test_scalars_without_a_comma_between_are_one_stretch() -> None:
    assert records_of("2025-01-01 7.5 x\n") == [Corrupt("2025-01-01 7.5 x")]


@pytest.mark.parametrize(
    "broken",
    [
        '{"a":1,"a":1}',
        '{"a":1,"\\u0061":2}',
        '{"a":{"b":1,"b":"x"}}',
        '{"a":[[{"b":"1","b":"2"}]],"c":"3"}',
        '{"a":"\\"","a":"\\\\"}',
        '{"a":"\\\\","a":"\\\\","b":"\\\\","c":"\\\\"}',
    ],
)
def test_object_that_repeats_a_key_is_corrupt_as_a_whole(broken: str) -> None:
    assert records_of(f'{{"a":1}}\n{broken}\n{{"a":2}}\n') == [{"a": 1}, Corrupt(broken), {"a": 2}]
    assert records_of(f'[{{"a":1}},{broken},{{"a":2}}]') == [{"a": 1}, Corrupt(broken), {"a": 2}]


def test_byte_order_mark_is_skipped_wherever_files_were_joined() -> None:
    assert records_of(b'\xef\xbb\xbf{"a":1}\n\xef\xbb\xbf{"a":2}\n') == [{"a": 1}, {"a": 2}]
    assert records_of(b"\xef\xbb\xbf") == []


def test_lone_surrogate_stays_in_its_record() -> None:
    assert records_of('{"a":"\\ud800"}\n') == [{"a": "\ud800"}]


def test_nesting_up_to_the_limit_parses_and_beyond_is_corrupt() -> None:
    def nested(levels: int) -> str:
        return '{"a":' * levels + "1" + "}" * levels

    inside = records_of(nested(MAX_DEPTH))
    assert isinstance(inside[0], dict)
    assert records_of(nested(MAX_DEPTH + 1)) == [Corrupt(nested(MAX_DEPTH + 1))]
    assert records_of(nested(100_000) + '\n{"a":1}') == [Corrupt(nested(100_000)), {"a": 1}]


def test_chunks_cover_the_file_in_order() -> None:
    lines = b"".join(b'{"a":%d}\n' % number for number in range(10_000))
    chunks = list(read_json_records(io.BytesIO(lines), piece_bytes=20_000))
    assert len(chunks) > 4
    assert [record for chunk in chunks for record in chunk] == [{"a": number} for number in range(10_000)]


@pytest.mark.parametrize(
    ("text", "records", "settled"),
    [
        ('{"a":1}\n', [{"a": 1}], 8),
        ('{"a":1},{"a":', [{"a": 1}], 8),
        ("5, 7", [Corrupt("5")], 3),
        ('"a, {}', [], 0),
        ('{"a":tru', [], 0),
        ('x, {"a":1', [], 0),
        ('x\n{"a":1', [Corrupt("x")], 2),
        ("x\n[", [Corrupt("x")], 3),
    ],
)
def test_unfinished_text_is_settled_up_to_what_more_text_might_change(
    text: str, records: list[Record], settled: int
) -> None:
    assert scan_records(text, final=False) == (records, settled)


class FailingStream(io.RawIOBase):
    """Gives some bytes, then fails."""

    def __init__(self, content: bytes, failure: Exception) -> None:
        self._content = io.BytesIO(content)
        self._failure = failure

    def read(self, size: int = -1) -> bytes:
        piece = self._content.read(size)
        if not piece:
            raise self._failure
        return piece


@pytest.mark.parametrize("failure", [EOFError("cut"), zlib.error("bad"), OSError("gone")])
def test_stream_that_fails_gives_what_came_before_then_the_failure(failure: Exception) -> None:
    records = []
    with pytest.raises(type(failure)) as raised:
        for chunk in read_json_records(FailingStream(b'{"a":1}\n{"a":2}\n{"a":', failure)):  # type: ignore[arg-type]
            records += chunk
    assert raised.value is failure
    assert records == [{"a": 1}, {"a": 2}, Corrupt('{"a":')]


def test_truncated_gzip_gives_nearly_all_lines_before_the_cut() -> None:
    chance = random.Random(7)
    lines = b"".join(b'{"a":%d}\n' % chance.getrandbits(60) for _ in range(50_000))
    whole = gzip.compress(lines)
    expected = records_of(lines)
    records: list[Record] = []
    with gzip.open(io.BytesIO(whole[: len(whole) // 2])) as stream, pytest.raises(EOFError):
        for chunk in read_json_records(stream):  # type: ignore[arg-type]
            records += chunk
    assert len(records) > 24_000
    assert records[:-1] == expected[: len(records) - 1]


def test_file_that_is_not_gzip_gives_nothing_and_fails() -> None:
    with gzip.open(io.BytesIO(b'{"a":1}')) as stream, pytest.raises(gzip.BadGzipFile):
        list(read_json_records(stream))  # type: ignore[arg-type]


# Pieces that together make every kind of file: whole, broken, oddly split and oddly joined.
PIECES = [
    '{"a":1}', '{"a":"x","b":null}', '{"a":{"b":[1,{"c":2}]}}', '{"a":[{}', "{}]}", "{},{}", '{"a":1,"a":2}', '{"a":"\\"}',
    '{"a":"\\\\"}', '{"é":"\\u00e9"}', '{"a":1e999}', '{"a":12345678901234567890123}', '{"a":-0.0}', '{"a":NaN}', '{"a":"x', 'y"}',
    '{"a":', '"b":2}', "{", "}", "[", "]", ",", "\n", "\r\n", " ", '"', "\\", ":", "1", "-", "nul", "l", "oops", "\ufeff", "\x00",
    '{"a":"\\ud83d"}', "{}", "[]", '"t, {} "', "Infinity",
]  # fmt: skip
PIECED_TEXTS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


@settings(max_examples=800, deadline=None)
@given(PIECED_TEXTS, st.sampled_from([1, 2, 5, 17, 4096]))
@example('{"a":[{}\n{}]}\n{},{}\n', 4096)
@example('{"a":"x}\n{y"}\n{},{}\n', 4096)
@example('{"a":1\n"b":2}\n{"c":3},{"d":4}', 4096)
def test_quick_reading_in_blocks_of_any_size_equals_exact_reading_of_the_whole(text: str, chunk_bytes: int) -> None:
    exact, settled = scan_records(text)
    assert settled == len(text)
    # NaN is unlike itself, and 1 is like 1.0 and True: compared as they print.
    assert repr(records_of(text, chunk_bytes)) == repr(exact)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60) | PIECED_TEXTS.map(str.encode), st.integers(1, 70))
def test_arbitrary_bytes_never_raise_and_read_alike_in_blocks(content: bytes, chunk_bytes: int) -> None:
    # With as many good records beside them, the bytes are not of another encoding.
    content = b"{}\n" * 70 + content
    text = content.decode("utf-8", "surrogateescape")
    assert repr(records_of(content, chunk_bytes)) == repr(scan_records(text)[0])


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(st.text(max_size=5), JSON_VALUES, max_size=4)


def reread(records: Sequence[Record]) -> list[Any]:
    """What the standard library reads from records as they would be written."""
    return [json.loads(json_text(record)) for record in records]


@settings(max_examples=80, deadline=None)
@given(st.lists(OBJECTS, max_size=5), st.sampled_from([None, 2]), st.booleans(), st.integers(1, 200))
def test_objects_written_in_any_layout_are_read_as_they_were(
    objects: list[dict[str, Any]], indent: int | None, as_array: bool, chunk_bytes: int
) -> None:
    if as_array:
        content = json.dumps(objects, indent=indent)
    else:
        content = "\n".join(json.dumps(each, indent=indent, ensure_ascii=False) for each in objects)
    assert repr(reread(records_of(content.encode("utf-8", "replace"), chunk_bytes))) == repr(objects)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(OBJECTS, PIECED_TEXTS), max_size=5), st.integers(1, 200))
def test_good_object_on_its_own_line_is_found_beside_any_garbage(
    pairs: list[tuple[dict[str, Any], str]], chunk_bytes: int
) -> None:
    # A brace that garbage leaves open may take the object as its member; then it is in that record instead.
    clean = [(each, "".join(char for char in garbage if char not in "{:")) for each, garbage in pairs]
    content = "".join(f"{json.dumps(each)}\n{garbage}\n" for each, garbage in clean)
    found = [record for record in records_of(content, chunk_bytes) if not isinstance(record, Corrupt)]
    assert repr(reread(found)) == repr([each for each, _ in clean])


SEPARATORS = " \t\r\n\ufeff,[]"


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([piece for piece in PIECES if '"' not in piece]), max_size=14).map("".join))
def test_every_character_but_separators_is_in_a_record(text: str) -> None:
    kept = "".join(record.text if isinstance(record, Corrupt) else "{}" for record in records_of(text))

    def content(of: str) -> str:
        return "".join(char for char in of if char not in SEPARATORS)

    assert content(kept) == content(text)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("[" * 2_000_000, id="brackets"),
        pytest.param("{" * 2_000_000, id="braces"),
        pytest.param('{"' * 1_000_000, id="opened_keys"),
        pytest.param('{"a":' * 400_000, id="opened_objects"),
        pytest.param('[{"a":' * 150_000, id="opened_arrays_of_objects"),
        pytest.param(',{"' * 100_000, id="keys_after_commas"),
        pytest.param('{"a": 1, "b":\n' * 30_000, id="lines_cut_before_a_value"),
        pytest.param('{"a": 1, "b": "x\n' * 30_000, id="lines_cut_in_a_text"),
        pytest.param('{"a": x}\n' * 30_000, id="broken_lines"),
        pytest.param("x" + "]" * 2_000_000, id="closed_brackets"),
        pytest.param("x" + "\n \n" * 500_000, id="blank_lines"),
        pytest.param("5\n" * 100_000, id="scalars"),
        pytest.param('{"a":[' * 90 + "1," * 600_000 + "x", id="long_objects_broken_at_their_ends"),
        pytest.param('{"a":"' + "x" * 3_000_000, id="text_without_end"),
        pytest.param('[{"a":"\\\\"},' * 30_000, id="array_without_end_or_lines"),
    ],
)
def test_reading_time_grows_with_the_length_alone(content: str) -> None:
    started = time.process_time()
    records_of(content)
    assert time.process_time() - started < 6
