"""Files whose text is broken, or is unusual JSON."""

from __future__ import annotations

import codecs
import json

from generators.faults.fault import Fault
from generators.faults.sample import Sample, array, lines

_NO_VALUE = ""
# Without JSON's punctuation, so that it is one corrupt record however it is split.
_BINARY = bytes(byte for byte in range(256) if byte not in b'{}[]",:\r\n') * 8


def _truncated(sample: Sample) -> bytes:
    text = array(*sample.readings(3))
    return text[: text.rindex(b'"vibration_hz"')]


def _broken_element(sample: Sample) -> bytes:
    return array(sample.reading(), sample.reading({"temperature_celsius": _NO_VALUE}), sample.reading())


def _broken_element_of_indented_array(sample: Sample) -> bytes:
    text = json.dumps([json.loads(reading) for reading in sample.readings(3)], indent=2)
    before, after = text.split('"temperature_celsius": ', maxsplit=1)
    rest = after[after.index(",") :]
    return f'{before}"temperature_celsius": {rest}\n'.encode()


def _broken_lines(sample: Sample) -> bytes:
    broken = (sample.reading()[:-40], sample.reading()[:-40])
    return lines(sample.reading(), *broken, sample.reading())


def _two_arrays(sample: Sample) -> bytes:
    return array(*sample.readings(2))[:-1] + b" " + array(*sample.readings(2))


def _trailing_junk(sample: Sample) -> bytes:
    return array(*sample.readings(2))[:-1] + b" end of export\n"


def _scalars(sample: Sample) -> bytes:
    return array(sample.reading(), "42", '"out of order"', "null", sample.reading())


def _invalid_utf8(sample: Sample) -> bytes:
    odd = sample.reading({"location": '"Factory Floor ?"'})
    return array(sample.reading(), odd).replace(b"?", b"\xff\xfe")


def _utf16(sample: Sample) -> bytes:
    return codecs.BOM_UTF16_LE + array(*sample.readings(2)).strip().decode().encode("utf-16-le")


DOCUMENT_FAULTS = (
    Fault("empty_file", "an empty file", lambda _: b"", 0, 0),
    Fault("blank_file", "only blanks and line breaks", lambda _: b" \n\t\n  \n", 0, 0),
    Fault("empty_object", "only {}: one record without values", lambda _: b"{}\n", 1, 0, "valid_device_id"),
    Fault("empty_array", "only []: no records", lambda _: b"[]\n", 0, 0),
    Fault("truncated_json", "an array that ends in the middle of its third reading", _truncated, 2, 1),
    Fault("broken_element", "an array whose second element lacks a value", _broken_element, 2, 1),
    Fault(
        "broken_element_of_indented_array",
        "an indented array whose first element lacks a value",
        _broken_element_of_indented_array,
        2,
        1,
    ),
    Fault("broken_lines", "JSON Lines with two broken lines between good ones", _broken_lines, 2, 2),
    Fault("two_arrays_on_a_line", "two arrays on one line", _two_arrays, 4, 0),
    Fault("trailing_junk", "words after the array", _trailing_junk, 2, 1),
    Fault("scalars_among_objects", "a number, a text and a null between two readings", _scalars, 2, 3),
    Fault("binary_bytes", "bytes that are not text", lambda _: _BINARY, 0, 1),
    Fault("invalid_utf8", "a location with bytes that are not UTF-8", _invalid_utf8, 1, 1),
    Fault(
        "byte_order_mark",
        "UTF-8 after a byte order mark",
        lambda sample: codecs.BOM_UTF8 + array(*sample.readings(2)),
        2,
        0,
    ),
    Fault("utf16", "an array in UTF-16 after a byte order mark", _utf16, 2, 0),
)
