"""The formats that files may have: each is one module here, `<format>_files.py`.

Such a module has two functions: `read_records(stream)` yields a decompressed stream's records in order, in lists, with
each number that is not finite as a `RawNumber`; `type_of(value)` tells which type of column a value would found, None
where it founds none. It may have a third, `read_rows(stream, columns)`, where records can be read straight into
columns.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, cast, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from pipeline.ingest.columns import Column, ColumnType
    from pipeline.ingest.values import Record

_ENDING = "_files"


class FileFormat(Protocol):
    """What the module of a format has."""

    def read_records(self, stream: BinaryIO) -> Iterator[list[Record]]:
        """Yield a stream's records in the order of the file; raise what reading it raises after what came before."""
        ...

    def type_of(self, value: Any) -> ColumnType | None:
        """Return the type of the column that a value would found, or None where it waits for another."""
        ...


@runtime_checkable
class ColumnarFormat(FileFormat, Protocol):
    """What the module of a format has besides if it can read records straight into columns."""

    def read_rows(self, stream: BinaryIO, columns: tuple[Column, ...]) -> Iterator[list[Record] | pa.RecordBatch]:
        """Yield the same records in the same order; in place of a list rows, where all of its records fit columns."""
        ...


def known_formats() -> tuple[str, ...]:
    """Return the names of all formats."""
    modules = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(name.removesuffix(_ENDING) for name in modules if name.endswith(_ENDING))


@cache
def format_named(name: str) -> FileFormat:
    """Return a known format's module."""
    return cast("FileFormat", importlib.import_module(f"{__name__}.{name}{_ENDING}"))
