"""Which encoding a file is read in, and which files are refused because they are in another one."""

from __future__ import annotations

import pytest

from pipeline.records.encoding import WrongEncodingError, encoding_of

GERMAN = "id;Ort\n1;Süd\n2;Köln\n3;Nord\n"


@pytest.mark.parametrize(
    ("head", "declared", "expected"),
    [
        pytest.param(b"", None, ("utf-8", 0), id="empty"),
        pytest.param(b"\xef\xbb\xbfa", None, ("utf-8", 3), id="utf_8_mark"),
        pytest.param(b"\xff\xfea\0", None, ("utf-16-le", 2), id="utf_16_mark"),
        pytest.param(b"\xfe\xff\0a", None, ("utf-16-be", 2), id="utf_16_be_mark"),
        pytest.param(b"\xff\xfe\0\0a\0\0\0", None, ("utf-32-le", 4), id="utf_32_mark"),
        pytest.param(b"\0\0\xfe\xff\0\0\0a", None, ("utf-32-be", 4), id="utf_32_be_mark"),
        pytest.param(b"\xff\xfea\0", "cp1252", ("utf-16-le", 2), id="mark_rather_than_declared"),
        pytest.param(GERMAN.encode(), None, ("utf-8", 0), id="utf_8"),
        pytest.param(GERMAN.encode()[:11], None, ("utf-8", 0), id="head_that_ends_inside_a_character"),
        pytest.param(GERMAN.encode("cp1252"), "Windows-1252", ("cp1252", 0), id="declared"),
        pytest.param(b"a,b\n1,2\n", "utf-8-sig", ("utf-8", 0), id="mark_that_is_not_there"),
        pytest.param(GERMAN.encode("utf-16-le"), "utf-16", ("utf-16-le", 0), id="order_of_bytes_found"),
        pytest.param(GERMAN.encode("utf-16-be"), "utf-16", ("utf-16-be", 0), id="other_order_of_bytes_found"),
        pytest.param(b"a,b\n1,\xfc\n2,x\n3,y\n", None, ("utf-8", 0), id="single_record_with_other_bytes"),
        pytest.param(b'[{"a":"\xfc"},{"a":"x"},{"a":"\xe9"},{},{}]', None, ("utf-8", 0), id="some_records"),
        pytest.param(b'{"a":1}\0' * 9, None, ("utf-8", 0), id="zeros_between_records"),
        pytest.param(b"\xfc\n\xe9\nx\0\n\x01", None, ("utf-8", 0), id="no_text_at_all"),
        pytest.param("ü\né\nä\nö\n".encode() + b"\xfc\n\xfc\n", None, ("utf-8", 0), id="some_valid_ones"),
    ],
)
def test_encoding_is_that_of_the_mark_or_the_declared_one(
    head: bytes, declared: str | None, expected: tuple[str, int]
) -> None:
    assert encoding_of(head, declared) == expected


@pytest.mark.parametrize(
    ("head", "declared", "reason"),
    [
        pytest.param(GERMAN.encode("cp1252"), None, r"not UTF-8; .* such as encoding=\"cp1252\"", id="cp1252"),
        pytest.param(b'[{"a":"\xfc"},{"a":"\xe9"}]', None, "not UTF-8", id="array_on_a_line"),
        pytest.param(b'{"a":"\xfc"}\n{"a":"\xe9"}\n', None, "not UTF-8", id="json_lines"),
        pytest.param("\n".join(["製品コード"] * 9).encode("shift_jis"), None, "not UTF-8", id="shift_jis"),
        pytest.param(GERMAN.encode(), "ascii", "not ASCII", id="declared_too_narrow"),
        pytest.param(GERMAN.encode("utf-16-le"), None, "UTF-16-LE without a byte order mark", id="utf_16_le"),
        pytest.param(GERMAN.encode("utf-16-be"), "cp1252", "UTF-16-BE without a byte order mark", id="utf_16_be"),
        pytest.param(b'{"a": 1}'.decode().encode("utf-32-le"), None, "UTF-32-LE without", id="utf_32_le"),
        pytest.param("工場,機械\n製品,数量\n".encode("utf-32-be"), None, "UTF-32-BE without", id="utf_32_be"),
        pytest.param(GERMAN.encode(), "utf-16", "in UTF-8, not in UTF-16", id="declared_too_wide"),
    ],
)
def test_file_that_is_in_another_encoding_throughout_is_refused_with_what_to_declare(
    head: bytes, declared: str | None, reason: str
) -> None:
    with pytest.raises(WrongEncodingError, match=reason) as raised:
        encoding_of(head, declared)
    assert "--retry-files" in str(raised.value)
