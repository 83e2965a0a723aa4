"""Checks of the options that say how files' text is spelled."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import TYPE_CHECKING

from pipeline.foundation.errors import AuthorError
from pipeline.records.encoding import decoder_of
from pipeline.records.options import TextOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.records.formats import FileFormat

_OF_ALL_FORMATS = "max_record_bytes"
_ELEMENT = re.compile(r"[^\W\d][\w.:-]*")
_NUMBERED_NAME = re.compile(r"_c[0-9]+")


def check_text_options(options: TextOptions, form: FileFormat, hints: Sequence[str], path: str) -> None:
    """Check that a format takes the options that were given, and that their values fit.

    Raises:
        AuthorError: A format does not take an option, or a value does not fit.
    """
    for item in fields(TextOptions):
        value = getattr(options, item.name)
        if item.name == _OF_ALL_FORMATS or (value == item.default and type(value) is type(item.default)):
            continue
        if item.name not in form.options:
            takes = ", ".join(sorted(form.options)) or "none of this kind"
            problem = f'read_files("{path}"): files of the format {form.name} have no `{item.name}`; expected {takes}.'
            raise AuthorError(problem, "Leave that option out, or correct `format`.")
        fits, expected = _CHECKS[item.name]
        if not fits(value):
            problem = f'read_files("{path}"): `{item.name}` must be {expected}; got {value!r}.'
            raise AuthorError(problem, "Correct that option.")
    if "row_tag" in form.options and not options.row_tag:
        problem = f'read_files("{path}"): files of the format {form.name} need `row_tag`: which elements are records.'
        raise AuthorError(problem, 'Write for example row_tag="reading" where the files have <reading>…</reading>.')
    if not options.header and len(set(map(is_numbered_name, hints))) > 1:
        problem = f'read_files("{path}"): without a header, some hints name columns by number and some in order.'
        raise AuthorError(problem, "Name all of them `_c0`, `_c1` …, or give each column a name, in the files' order.")


def is_numbered_name(name: str) -> bool:
    """Return whether a name is one that a column of a file without a header has: `_c0`, `_c1` and so on."""
    return bool(_NUMBERED_NAME.fullmatch(name))


def _is_encoding(value: object) -> bool:
    try:
        # The mark and the bytes that no encoding has show whether the decoder can pass over such bytes.
        decoder_of(str(value))(b"\xff\xfe\x00\x00\xff\x81", True)
    except (LookupError, ValueError):
        return False
    return isinstance(value, str)


def _is_delimiter(value: object) -> bool:
    return isinstance(value, str) and bool(value) and not set(value) & set('"\r\n')


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_element(value: object) -> bool:
    return isinstance(value, str) and bool(_ELEMENT.fullmatch(value))


_CHECKS: dict[str, tuple[Callable[[object], bool], str]] = {
    "encoding": (_is_encoding, "an encoding that Python knows, such as `cp1252` or `utf-16-le`"),
    "delimiter": (_is_delimiter, "one or more characters, without quotes and line ends"),
    "decimal": (lambda value: value in (".", ","), "`.` or `,`"),
    "header": (lambda value: isinstance(value, bool), "True or False"),
    "skip_rows": (_is_count, "a whole number from 0 on"),
    "row_tag": (_is_element, "the name of an element without its brackets, such as `reading`"),
}
