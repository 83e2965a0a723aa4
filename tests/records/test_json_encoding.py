"""JSON in other encodings than UTF-8, and with bytes that are not characters of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.records.values import Corrupt
from tests.records.test_json import records_of

if TYPE_CHECKING:
    from pipeline.records.values import Record


@pytest.mark.parametrize(
    ("content", "records"),
    [
        pytest.param(b'{"a":"\xff"}\n{"a":1}\n{"a":2}', [Corrupt('{"a":"\\xff"}'), {"a": 1}, {"a": 2}], id="value"),
        pytest.param(b'[{"a":1},{"a":"\xe2\x82"}]', [{"a": 1}, Corrupt('{"a":"\\xe2\\x82"}')], id="cut_character"),
        pytest.param(b'{"\xc0\xaf":{}}', [Corrupt('{"\\xc0\\xaf":{}}')], id="key"),
        pytest.param(b'[{"a":[{"b":"\xed\xa0\xbd"}]}]', [Corrupt('{"a":[{"b":"\\xed\\xa0\\xbd"}]}')], id="half"),
        pytest.param(b'{"a":1}\n\x80', [{"a": 1}, Corrupt("\\x80")], id="byte_alone"),
        pytest.param(b'{"a":"\xef\xbf\xbd"}', [{"a": "\ufffd"}], id="replacement_character_as_sent"),
        pytest.param(b'{"a":"\\udcff"}\n"\\udcff\xfe"', [{"a": "\udcff"}, Corrupt('"\\udcff\\xfe"')], id="escape"),
    ],
)
def test_record_with_bytes_that_are_not_characters_is_corrupt_and_shows_them(
    content: bytes, records: list[Record]
) -> None:
    assert records_of(content) == records
    assert records_of(content, piece_bytes=3) == records


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_text_behind_a_byte_order_mark_is_read_in_its_encoding(encoding: str) -> None:
    text = '{"a":"é"}\n[{"a":"工場 😀"}]'
    assert records_of(text.encode(encoding)) == [{"a": "é"}, {"a": "工場 😀"}]
