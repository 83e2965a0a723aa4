from __future__ import annotations

import io

from pipeline.records.options import TextOptions
from pipeline.records.text import read_text
from pipeline.records.values import Corrupt


def test_text_has_a_record_for_every_line_however_it_ends() -> None:
    found = read_text(io.BytesIO("one\r\n\n \rtwo, \u2028é\nthree".encode()))
    assert list(found) == [[{"value": text} for text in ("one", "", " ", "two, \u2028é", "three")]]
    assert list(read_text(io.BytesIO(b""))) == []


def test_text_line_with_bytes_that_are_not_characters_is_corrupt() -> None:
    assert list(read_text(io.BytesIO(b"a\n\xff\xfa\r\nb"))) == [[{"value": "a"}, Corrupt("\\xff\\xfa"), {"value": "b"}]]


def test_text_is_read_in_its_encoding() -> None:
    assert list(read_text(io.BytesIO(b"\xfcber"), (), TextOptions(encoding="cp1252"))) == [[{"value": "über"}]]
