"""Tables that hold the records of files for queries that cannot be given a batch of files."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pipeline.declare.dataset import Dataset
from pipeline.declare.reading import active_reader

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pipeline.declare.dataset import Registry, SourceLocation
    from pipeline.declare.files_source import FilesSource


def files_table(source: FilesSource) -> str:
    """Return the name of the table with the records of a source's files; another source has another one."""
    return f"files_{hashlib.sha256(repr(source).encode()).hexdigest()[:8]}"


def store_files(registry: Registry, source: FilesSource, location: SourceLocation) -> str:
    """Declare the table with the records of a source's files, unless it is declared, and return its name.

    Args:
        registry: The declarations.
        source: The files.
        location: Where they are read first.
    """
    name = files_table(source)
    if name not in registry.datasets:

        def records() -> DataFrame:
            return active_reader("read_files").files(source)

        comment = f"The records of the files in {source.path}, for the queries that read them"
        registry.register(Dataset(name, "streaming_table", records, comment, location))
    return name
