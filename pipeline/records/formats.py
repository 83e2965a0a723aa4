"""The formats that files may have, and how the records of each are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from pipeline.records.columns import Column
from pipeline.records.csv import read_csv
from pipeline.records.json import read_json
from pipeline.records.text import VALUE, read_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.records.options import TextOptions
    from pipeline.records.values import Piece


@dataclass(frozen=True)
class FileFormat:
    """How the files of one format are read.

    Attributes:
        name: What `read_files` calls it.
        read: Yields the records of a decompressed stream in the order of the file, given the columns that are known
            and the options. It raises what reading the stream raises, after it has yielded the records before. None
            where Spark's own reader reads whole files.
        options: The names of the options of `TextOptions` that it takes.
        extensions: The extensions of its files, without that of a compression; none where any name will do.
        columns: The columns that its files have, if they have no others.
        has_only_texts: Whether a value is always a text, which may spell a number.
    """

    name: str
    read: Callable[[BinaryIO, tuple[Column, ...], TextOptions], Iterator[Piece]] | None
    options: frozenset[str]
    extensions: tuple[str, ...]
    columns: tuple[Column, ...] = ()
    has_only_texts: bool = False

    @property
    def is_read_by_spark(self) -> bool:
        """Whether Spark's own reader reads its files."""
        return self.read is None


_OF_BINARY_FILES = (
    Column("path", "string"),
    Column("modificationTime", "timestamp"),
    Column("length", "bigint"),
    Column("content", "binary"),
)
_CSV_OPTIONS = frozenset({"encoding", "delimiter", "decimal", "header", "skip_rows"})
FORMATS = {
    form.name: form
    for form in (
        FileFormat("csv", read_csv, _CSV_OPTIONS, ("csv",), has_only_texts=True),
        FileFormat("json", read_json, frozenset({"encoding"}), ("json",)),
        FileFormat("text", read_text, frozenset({"encoding"}), ("txt", "text", "log"), (VALUE,)),
        FileFormat("avro", None, frozenset(), ("avro",)),
        FileFormat("binaryFile", None, frozenset(), (), _OF_BINARY_FILES),
        FileFormat("orc", None, frozenset(), ("orc",)),
        FileFormat("parquet", None, frozenset(), ("parquet",)),
        FileFormat("xml", None, frozenset({"row_tag"}), ("xml", "xml.gz", "xml.bz2"), has_only_texts=True),
    )
}
