"""The encoding of a file's text, and bytes that are not a character of it."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

UTF_8 = "utf-8"
# The name of the error handler by which a byte that is not a character becomes half a character: U+DC00 and the byte.
KEEPING_BYTES = "pipeline.keeping_bytes"

# The longer marks first: that of UTF-32 begins as that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, UTF_8),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WIDE = re.compile(r"utf-(?:16|32)(?:-[lb]e)?")
_ASCII = re.compile(r"[\t\r\n -~]")
_KEPT_BYTE = re.compile("[\udc00-\udcff]")
# Text has none of these, whatever it is encoded in.
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


class WrongEncodingError(ValueError):
    """A file's text is in another encoding than the one that it is read in."""

    def __init__(self, problem: str, encoding: str = "cp1252") -> None:
        remedy = f'give read_files its encoding, such as encoding="{encoding}", and run with --retry-files'
        super().__init__(f"{problem}; {remedy}")


def encoding_of(head: bytes, declared: str | None) -> tuple[str, int]:
    """Return the encoding of a file and the length of its byte order mark; a mark overrules what is declared.

    Args:
        head: The beginning of the file.
        declared: The encoding of a file without a mark, by one of Python's names. UTF-8 if None.

    Raises:
        WrongEncodingError: Most records are in another encoding.
    """
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding, len(mark)
    encoding = codecs.lookup(declared or UTF_8).name
    if encoding == "utf-8-sig":
        encoding = UTF_8
    if _WIDE.fullmatch(encoding):
        return _checked_wide(head, encoding), 0
    if encoding == UTF_8 and head.isascii() and b"\0" not in head:
        return encoding, 0
    if b"\0" in head and (found := _wide_encoding_of(head)):
        raise WrongEncodingError(f"the file is in {found.upper()} without a byte order mark", found)
    if not _is_whole(head, encoding) and _is_text_of_another(head, encoding):
        raise WrongEncodingError(f"most records hold bytes that are not {encoding.upper()}")
    return encoding, 0


def decoder_of(encoding: str) -> Callable[[bytes, bool], str]:
    """Return what turns bytes, piece by piece, into text; its second argument says whether nothing follows.

    Raises:
        LookupError: There is not an encoding of text of this name.
        UnicodeError: It cannot pass over bytes that are not a character.
    """
    "a".encode(encoding)
    decoder = codecs.getincrementaldecoder(encoding)(KEEPING_BYTES)
    return decoder.decode


def holds_kept_bytes(text: str, start: int = 0, end: int | None = None) -> bool:
    """Return whether a part of a decoded text stands for bytes that are not characters."""
    return not text.isascii() and bool(_KEPT_BYTE.search(text, start, len(text) if end is None else end))


def shown(text: str) -> str:
    r"""Return a decoded text with each byte that is not a character as `\xNN`."""
    return text if text.isascii() else _KEPT_BYTE.sub(lambda kept: f"\\x{ord(kept[0]) - 0xDC00:02x}", text)


def _keep_bytes(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error(KEEPING_BYTES, _keep_bytes)


def _checked_wide(head: bytes, encoding: str) -> str:
    """Return UTF-16 or UTF-32 with its byte order: little-endian, unless the zeros of the text say otherwise."""
    if head and b"\0" not in head and _is_whole(head, UTF_8):
        raise WrongEncodingError(f"the file is in UTF-8, not in {encoding.upper()}", UTF_8)
    if encoding.endswith(("le", "be")):
        return encoding
    found = _wide_encoding_of(head) or ""
    return found if found.startswith(encoding) else f"{encoding}-le"


def _wide_encoding_of(head: bytes) -> str | None:
    """Return UTF-16 or UTF-32 if bytes with zeros among them make sense in it."""
    # Punctuation, digits and line ends are ASCII in any language. UTF-8 with zeros between records is UTF-8.
    least_share = 2 / 3 if _is_whole(head, UTF_8) else 1 / 20
    for encoding in ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be"):
        text = head.decode(encoding, "replace")
        if len(_ASCII.findall(text)) >= max(4, least_share * len(text)) and "\0" not in text:
            return encoding
    return None


def _is_whole(head: bytes, encoding: str) -> bool:
    """Return whether bytes are characters, the last one perhaps cut off."""
    try:
        codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeError:
        return False
    return True


def _is_text_of_another(head: bytes, encoding: str) -> bool:
    """Return whether at least half of the records hold bytes that are not characters, and few hold others' letters."""
    if _CONTROLS.search(head):
        return False
    pieces = head.split(b"}") if head.lstrip()[:1] in {b"{", b"["} else head.splitlines()
    records = [piece for piece in pieces if piece.strip(b" \t\r\n,[]")]
    beyond_ascii = [record for record in records if not record.isascii()]
    wrong = sum(not _is_whole(record, encoding) for record in beyond_ascii)
    return wrong >= max(2, len(records) / 2) and 4 * (len(beyond_ascii) - wrong) <= wrong
