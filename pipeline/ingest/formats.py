"""The formats that files may have: for each, the function that yields a file's records."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from pipeline.ingest.records import read_json_records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.ingest.records import Record

RecordReader = "Callable[[BinaryIO], Iterator[list[Record]]]"

RECORD_READERS: dict[str, Callable[[BinaryIO], Iterator[list[Record]]]] = {"json": read_json_records}
