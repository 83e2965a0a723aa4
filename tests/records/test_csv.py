"""How CSV is spelled: line ends, encodings, delimiters, headers, and documents from the field."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.records.csv import read_csv
from pipeline.records.encoding import WrongEncodingError
from pipeline.records.options import TextOptions
from pipeline.records.values import Corrupt

if TYPE_CHECKING:
    from pipeline.records.values import Record


def read(content: str | bytes, block_bytes: int = 1024, **options: Any) -> list[Record]:
    stream = io.BytesIO(content.encode() if isinstance(content, str) else content)
    found = read_csv(stream, (), TextOptions(**options), block_bytes)
    return [record for records in found for record in records]


@pytest.mark.parametrize(
    ("content", "records"),
    [
        pytest.param("a,b\r1,x\r2,y", [{"a": "1", "b": "x"}, {"a": "2", "b": "y"}], id="cr"),
        pytest.param("a,b\r1,x\r\n2,y\n3,z\r", [{"a": str(n), "b": b} for n, b in ((1, "x"), (2, "y"), (3, "z"))], id="mixed"),
        pytest.param('"a","b"\r"1","x\ry"\r', [{"a": "1", "b": "x\ry"}], id="cr_in_quotes"),
        pytest.param('a,b\r"1,x\r2,y\r', [Corrupt('"1,x'), {"a": "2", "b": "y"}], id="open_quote_before_cr"),
        pytest.param("a\r\r\r1\r\r", [{"a": "1"}], id="blank_lines"),
        pytest.param("a\n1\x0b2\u20283\x854\n", [{"a": "1\x0b2\u20283\x854"}], id="other_separators_are_text"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("block_bytes", [1, 2, 3, 1024])
def test_csv_line_ends_with_lf_crlf_or_cr(content: str, records: list[Record], block_bytes: int) -> None:
    assert read(content, block_bytes) == records


@pytest.mark.parametrize(
    ("content", "records"),
    [
        pytest.param("a;b\n1,5;x\n", [{"a": "1,5", "b": "x"}], id="semicolon"),
        pytest.param('a;b\n";";x\n', [{"a": ";", "b": "x"}], id="in_quotes"),
        pytest.param("a;b\n;\n", [{}], id="empty_fields"),
    ],
)
def test_csv_fields_are_separated_by_the_delimiter(content: str, records: list[Record]) -> None:
    assert read(content, delimiter=";") == records
    assert read(content.replace(";", "\t"), delimiter="\t") == [
        {name: value.replace(";", "\t") for name, value in record.items()}  # type: ignore[union-attr]
        for record in records
    ]


def test_csv_delimiter_of_several_characters_separates_fields_and_is_kept_in_quotes() -> None:
    content = 'a||b||c\n1|2||"x||y"||z\n"1""||"||2||3\n1||2\n'
    assert read(content, delimiter="||") == [
        {"a": "1|2", "b": "x||y", "c": "z"},
        {"a": '1"||', "b": "2", "c": "3"},
        Corrupt("1||2"),
    ]


def test_csv_without_a_header_numbers_its_columns_and_the_first_record_says_how_many() -> None:
    assert read("1,x\n2\n3,y\n", header=False) == [
        {"_c0": "1", "_c1": "x"},
        Corrupt("2"),
        {"_c0": "3", "_c1": "y"},
    ]
    assert read('"1\n2,x\n', header=False) == [Corrupt('"1'), {"_c0": "2", "_c1": "x"}]


def test_csv_rows_to_skip_are_lines_before_the_header_and_blank_ones_count() -> None:
    content = 'Export of "today\n\nid,amount\n1,2\n'
    assert read(content, skip_rows=2) == [{"id": "1", "amount": "2"}]
    assert read(content, skip_rows=3, header=False) == [{"_c0": "1", "_c1": "2"}]
    assert read(content, skip_rows=9) == []


def test_csv_record_with_bytes_that_are_not_characters_is_corrupt_as_a_whole_and_shows_them() -> None:
    assert read(b'a,b\n1,\xfc\n"2\nx\xff",y\n3,z\n4,\xc3\xbc\n') == [
        Corrupt("1,\\xfc"),
        Corrupt('"2\nx\\xff",y'),
        {"a": "3", "b": "z"},
        {"a": "4", "b": "ü"},
    ]


def test_csv_header_with_bytes_that_are_not_characters_stops_the_reading() -> None:
    with pytest.raises(
        WrongEncodingError, match=r"the header holds bytes that are not characters: Gr\\xf6\\xdfe,b; give read_files"
    ):
        read(b"Gr\xf6\xdfe,b\n1,2\n")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32-le", "cp1252", "shift_jis", "cp037", "utf-8-sig"])
@pytest.mark.parametrize("block_bytes", [1, 7, 1024])
def test_csv_in_a_declared_encoding_is_read_as_it_was_written(encoding: str, block_bytes: int) -> None:
    text = 'id,ort\r\n1,"Halle, A"\r\n2,Süd\r\n'.replace("ü", "ソ" if encoding == "shift_jis" else "ü")
    assert read(text.encode(encoding), block_bytes, encoding=encoding) == read(text)


def test_csv_bytes_that_a_declared_encoding_does_not_have_are_shown() -> None:
    assert read(b"a\nx\x81y\n\xfc\n", encoding="cp1252") == [Corrupt("x\\x81y"), {"a": "ü"}]
    assert read("a\nb\n".encode("utf-16-le") + b"\x00\xd8\n\x00z", encoding="utf-16-le") == [
        {"a": "b"},
        Corrupt("\\x00\\xd8"),
        Corrupt("\\x7a"),
    ]


DOCUMENTS = {
    "commas_in_quotes": (
        'name,street\nAda,"12, Mill Lane"\n',
        [{"name": "Ada", "street": "12, Mill Lane"}],
    ),
    "empty_quoted_fields": ('a,b,c\n1,"",""\n2,3,4\n', [{"a": "1"}, {"a": "2", "b": "3", "c": "4"}]),
    "empty_quoted_fields_crlf": ('a,b,c\r\n1,"",""\r\n2,3,4\r\n', [{"a": "1"}, {"a": "2", "b": "3", "c": "4"}]),
    "doubled_quotes": ('a,b\n1,"say ""hi"""\n3,4\n', [{"a": "1", "b": 'say "hi"'}, {"a": "3", "b": "4"}]),
    "json_in_a_field": (
        'key,val\n1,"{""type"": ""Point"", ""at"": [102.0, 0.5]}"\n',
        [{"key": "1", "val": '{"type": "Point", "at": [102.0, 0.5]}'}],
    ),
    "line_ends_in_quotes": (
        'a,b,c\n1,2,3\n"Once upon \na time",5,6\n7,8,9\n',
        [
            {"a": "1", "b": "2", "c": "3"},
            {"a": "Once upon \na time", "b": "5", "c": "6"},
            {"a": "7", "b": "8", "c": "9"},
        ],
    ),
    "line_ends_in_quotes_crlf": ('a,b\r\n"x \r\ny",5\r\n', [{"a": "x \r\ny", "b": "5"}]),
    "quotes_and_line_ends": ('a,b\n1,"ha \n""ha"" \nha"\n3,4\n', [{"a": "1", "b": 'ha \n"ha" \nha'}, {"a": "3", "b": "4"}]),
    "other_scripts": ("a,b\n1,工\nʤ,😀\n", [{"a": "1", "b": "工"}, {"a": "ʤ", "b": "😀"}]),
    "header_in_quotes": ('"Station, city","Lat/Lon"\nMitte,"52.5,13.4"\n', [{"Station, city": "Mitte", "Lat/Lon": "52.5,13.4"}]),
    "without_a_last_line_end": ("a,b\n1,2", [{"a": "1", "b": "2"}]),
}  # fmt: skip


@pytest.mark.parametrize("name", DOCUMENTS)
def test_csv_documents_of_the_field_give_every_record(name: str) -> None:
    content, records = DOCUMENTS[name]
    assert read(content) == records
