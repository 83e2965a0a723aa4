"""JSON records that are too long to be collected, whatever they are made of."""

from __future__ import annotations

import codecs
import io
import json
import random
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.records.json import read_json
from pipeline.records.options import TextOptions
from pipeline.records.values import Corrupt

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST = 10_000
OPTIONS = TextOptions(max_record_bytes=MOST)
MEGABYTE = 1024**2
DEEP = '{"a":[' * 100 + "1" + "]}" * 100


def read(content: str | bytes, options: TextOptions = OPTIONS) -> list[Any]:
    """Return records, corrupt ones as their text."""
    data = content.encode() if isinstance(content, str) else content
    pieces = read_json(io.BytesIO(data), (), options)
    return [record.text if isinstance(record, Corrupt) else record for piece in pieces for record in piece]


def beginning(record: str, length: int | None = None) -> str:
    note = f"… [{length or len(record.encode())} bytes; max_record_bytes is {MOST}]"
    return record.encode()[: 4 * 1024 + 3].decode(errors="ignore") + note


LONG = {
    "text": '{"a":"%s"}' % ("x" * MOST),
    "escapes": '{"a":"%s"}' % (r"\"\\{[" * MOST),
    "characters": '{"a":"%s"}' % ("é🏭" * MOST),
    "key": '{"%s":1}' % ("k" * MOST),
    "numbers": '{{"a":[{}]}}'.format(",".join(map(str, range(MOST)))),
    "digits": '{"a":%s}' % ("7" * MOST),
    "objects": '{{"a":[{}]}}'.format(",\n".join(['{"b": {"c": [null, {}]}}'] * MOST)),
    "members": json.dumps({f"key {number}": [number, {"a": str(number)}] for number in range(2000)}, indent=1),
    "arrays": '{{"a":[{}]}}'.format(",".join(["[[], [1], [[2]]]"] * MOST)),
    "deep": "{{{}}}".format(",".join([f'"{number}":{DEEP}' for number in range(20)])),
    "blanks": '{"a":%s1}' % (" \n" * MOST),
    "text for an object": '"%s"' % ("x" * MOST),
}


@pytest.mark.parametrize("record", LONG.values(), ids=LONG)
@pytest.mark.parametrize("layout", ["%s", "[{}, %s, {}]", "{}\n%s\n{}\n", "[\n  {},\n  %s,\n  {}\n]"])
def test_long_record_is_its_beginning_and_its_length_and_the_file_goes_on_behind_it(layout: str, record: str) -> None:
    others: list[Any] = [{}] if "{}" in layout else []
    assert read(layout % record) == [*others, beginning(record), *others]


@pytest.mark.parametrize(
    ("record", "rest"),
    [
        ('{"a":"%s\n' % ("x" * MOST), ""),
        ('{"a":[%s\n' % ("1," * MOST), ""),
        ('{"a":"%s"\n' % ("x" * MOST), ""),
        ('{"a":"%s"]}\n' % ("x" * MOST), ""),
        ("no JSON at all " * MOST + "\n", ""),
        ('{"a":"%s" "b"}, ' % ("x" * MOST), ""),
        ('{"a":"%s",}, \t' % ("x" * MOST), ""),
        ('{"a":' * MOST + "\n  \t", ""),
    ],
    ids=["quote", "array", "no end", "other bracket", "words", "no comma", "no key", "depth"],
)
def test_long_broken_record_ends_where_the_next_one_may_begin(record: str, rest: str) -> None:
    broken = beginning(record, len(record.rstrip(", \t\n")))
    assert read(f'{record}{{"b":1}}\n{{"c":2}}{rest}') == [broken, {"b": 1}, {"c": 2}]
    assert read(record) == [broken]


def test_record_as_long_as_allowed_is_read_and_one_byte_more_is_not() -> None:
    for length, is_read in ((MOST, True), (MOST + 1, False)):
        record = '{"a":"%s"}' % ("x" * (length - 8))
        for text in (record, f"[{record}]", f"{record}\n{{}}", f"  , {record}"):
            assert read(text)[0] == (json.loads(record) if is_read else beginning(record))
        words = "x" * length
        assert read(f"[{words}\n{{}}]")[0] == (words if is_read else beginning(words))


def test_length_of_a_long_record_counts_bytes_of_utf_8_in_any_encoding() -> None:
    record = '{"a":"%s"}' % ("é" * MOST)
    content = codecs.BOM_UTF16_LE + f"[{record},{{}}]".encode("utf-16-le")
    assert read(content) == [beginning(record), {}]
    with_byte = b'{"a":"\xff%b"}\n{}' % (b"x" * MOST)
    shown = '{"a":"\\xff' + "x" * (4 * 1024 + 3 - 10)
    assert read(with_byte) == [f"{shown}… [{len(with_byte) - 3} bytes; max_record_bytes is {MOST}]", {}]


def test_text_that_grows_when_its_bytes_are_shown_is_cut_too() -> None:
    garbage = b"\x80" * 4_000
    (found,) = read(garbage)
    assert found.startswith("\\x80" * 1_000)
    assert found.endswith("… [4000 bytes; max_record_bytes is 10000]")
    assert len(found) < MOST


@pytest.mark.parametrize("seed", range(40))
def test_records_of_any_length_are_read_alike_around_long_ones(seed: int) -> None:
    dice = random.Random(seed)
    options = TextOptions(max_record_bytes=dice.choice([1_000, 5_000, 70_000]))
    most = options.max_record_bytes
    sent, expected = [], []
    for number in range(60):
        value: Any = dice.choice([1, 1.5, None, 'a"\\ {[,]}', {"b": [[], {}]}, [{"c": "d"}]])
        value = [value] * dice.choice([1, 1, 2, 50, 3_000])
        record = json.dumps({"number": number, "value": value}, indent=dice.choice([None, None, 1]))
        sent.append(record)
        expected.append(json.loads(record) if len(record) <= most else len(record))
    found = read(dice.choice(["[%s]", "%s"]) % dice.choice([",", "\n", " ,\n "]).join(sent), options)
    lengths = [int(one.rpartition("[")[2].split(" ")[0]) if isinstance(one, str) else one for one in found]
    assert lengths == expected


@pytest.mark.parametrize("unit", ["[]", "1e1", "{}", '{"a":1}'])
def test_record_with_more_than_a_million_values_is_not_collected(unit: str) -> None:
    record = '{"a":[' + ",".join([unit] * 1_100_000) + "]}"
    text = '{"a":"' + "," * 1_100_000 + '"}'
    first = '{"a":"' + "b" * MEGABYTE + '"}'
    found = read(f"{text}\n{first}\n{record}\n{{}}\n{first}", TextOptions())
    assert found == [
        json.loads(text), json.loads(first),
        f"{record[: 4 * 1024 + 3]}… [{len(record)} bytes; more than 1,000,000 values]", {}, json.loads(first),
    ]  # fmt: skip


class Repeated(io.RawIOBase):
    """A stream of the same bytes again and again, between a beginning and an end, none of it held."""

    def __init__(self, begin: bytes, unit: bytes, megabytes: int, end: bytes) -> None:
        block = unit * (MEGABYTE // len(unit))
        self._parts = filter(None, self._all(begin, block, megabytes, end))
        self._rest = b""

    @staticmethod
    def _all(begin: bytes, block: bytes, megabytes: int, end: bytes) -> Iterator[bytes]:
        yield begin
        for _ in range(megabytes):
            yield block
        yield end

    def read(self, size: int = -1) -> bytes:
        self._rest = self._rest or next(self._parts, b"")
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken


BOMBS = {
    "blanks": (b"[", b" ", b"{}]", 1),
    "commas": (b"[{}", b",", b"{}]", 2),
    "line ends": (b"{}", b"\r\n", b"{}", 2),
    "brackets": (b"", b"[", b"{}", 1),
    "marks": (b"{}", b"\xef\xbb\xbf,", b"{}", 2),
    "text": (b'{"a":"', b"x", b'"}\n{}', 2),
    "key": (b'{"', b"k", b'":1}\n{}', 2),
    "braces": (b"", b'{"a":', b"\n{}", 2),
    "numbers": (b'{"a":[', b"1,", b"1]}\n{}", 2),
    "words": (b"", b"no JSON ", b"\n{}", 2),
}


@pytest.mark.parametrize(("begin", "unit", "end", "records"), BOMBS.values(), ids=BOMBS)
def test_stream_of_any_length_is_read_in_constant_memory(begin: bytes, unit: bytes, end: bytes, records: int) -> None:
    options = TextOptions(max_record_bytes=MEGABYTE)
    stream = Repeated(begin, unit, 48, end)
    tracemalloc.start()
    try:
        found = [record for piece in read_json(stream, (), options) for record in piece]  # type: ignore[arg-type]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(found) == records
    assert found[-1] == {}
    assert peak < 24 * MEGABYTE
