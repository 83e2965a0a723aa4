"""XML that Spark may read: whole, and without records beyond bounds."""

from __future__ import annotations

import io
import tracemalloc

import pytest

from pipeline.records.xml import check_xml
from tests.records.test_json_long import MEGABYTE, Repeated

MOST = 1_000


@pytest.mark.parametrize("text", ["", "<rs/>", "<rs><r>a</r><r k='b'/> <r><r/></r></rs>", f"<rs>{'<r/>' * 2_000}</rs>"])
def test_whole_xml_passes_whatever_its_length(text: str) -> None:
    check_xml(io.BytesIO(text.encode()), "r", MOST)


@pytest.mark.parametrize("text", [" ", "<rs><r>a</r>", "<rs><r></rs>", "no XML"])
def test_broken_xml_is_not_well_formed(text: str) -> None:
    with pytest.raises(OSError, match="the XML is not well-formed"):
        check_xml(io.BytesIO(text.encode()), "r", MOST)


@pytest.mark.parametrize("record", ["<r>%s</r>", "<r><a k='%s'/></r>", "<r><![CDATA[%s]]></r>", "<r><r>%s</r></r>"])
def test_record_that_is_too_long_is_refused(record: str) -> None:
    room = MOST - len(record.replace("%s", "")) + len("</r>")
    check_xml(io.BytesIO(f"<rs>{record % ('x' * room)}</rs>".encode()), "r", MOST)
    with pytest.raises(OSError, match=r"an element <r> is longer than max_record_bytes \(1000\)"):
        check_xml(io.BytesIO(f"<rs>{record % ('x' * (room + 1))}</rs>".encode()), "r", MOST)


@pytest.mark.parametrize("begin", [b"<rs><r>", b"<rs><r k='", b"<rs><!-- "])
def test_endless_record_is_refused_in_constant_memory(begin: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(OSError, match="longer than max_record_bytes"):
            check_xml(Repeated(begin, b"x", 40, b""), "r", MEGABYTE)  # type: ignore[arg-type]
        assert tracemalloc.get_traced_memory()[1] < 8 * MEGABYTE
    finally:
        tracemalloc.stop()
