"""The formats that files may have: each is one module here, `<format>_files.py`.

Such a module has two functions: `read_records(stream)` yields a decompressed stream's records in order, in lists, with
each number that is not finite as a `RawNumber`; `type_of(value)` tells which type of column a value would found, None
where it founds none.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.ingest.columns import ColumnType
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


def known_formats() -> tuple[str, ...]:
    """Return the names of all formats."""
    modules = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(name.removesuffix(_ENDING) for name in modules if name.endswith(_ENDING))


@cache
def format_named(name: str) -> FileFormat:
    """Return a known format's module."""
    return cast("FileFormat", importlib.import_module(f"{__name__}.{name}{_ENDING}"))
