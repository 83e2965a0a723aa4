"""The landing zone: which files a batch brought, and what stands there now."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import DataFrame, Row, SparkSession

    from pipeline.ingest.source import FilesSource

# A file source forgets what is older than a week, and with one file dated ahead it drops every normal one.
_NO_AGE_LIMIT = "36500d"


@dataclass(frozen=True)
class LandedFile:
    """A file as the listing saw it."""

    path: str
    size_bytes: int
    modified_at: datetime

    @property
    def name(self) -> str:
        """The file's name without its folder."""
        return Path(self.path).name


def discovery(spark: SparkSession, folder: Path, source: FilesSource) -> DataFrame:
    """Return the stream of files that land in a folder: `path`, `modified_micros`, `length`.

    Structured Streaming's file source lists the folder and its checkpoint remembers what was taken; a file's
    content is not read here, so that a file that cannot be read stops nothing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    reader = (
        spark.readStream.format("binaryFile")
        .schema("path STRING, modificationTime TIMESTAMP, length BIGINT, content BINARY")
        .option("pathGlobFilter", f"*.{{{','.join(suffixes(source))}}}")
        .option("maxFileAge", _NO_AGE_LIMIT)
        .option("ignoreMissingFiles", "true")
        .option("maxFilesPerTrigger", str(source.max_files_per_trigger))
    )
    return reader.load(str(folder)).selectExpr("path", "unix_micros(modificationTime) AS modified_micros", "length")


def planned(checkpoint: Path, batch_id: int) -> list[str]:
    """Return the paths that the file source planned for a batch, from its own log in the checkpoint."""
    log = checkpoint / "sources" / "0"
    for file in (log / str(batch_id), log / f"{batch_id}.compact"):
        if file.exists():
            lines = file.read_text(encoding="utf-8").splitlines()[1:]
            entries = [json.loads(line) for line in lines]
            return [_decoded(entry["path"]) for entry in entries if entry["batchId"] == batch_id]
    return []


def suffixes(source: FilesSource) -> tuple[str, str]:
    """Return the endings of the files that a source reads."""
    return source.format, f"{source.format}.gz"


def listed(rows: list[Row], folder: Path) -> list[LandedFile]:
    """Return a batch's files, oldest first; what lies in sub-folders is none of them."""
    files = [
        LandedFile(
            _local(row["path"]),
            row["length"],
            datetime.fromtimestamp(row["modified_micros"] // 1000 / 1e3, UTC),
        )
        for row in rows
    ]
    return sorted(
        (file for file in files if Path(file.path).parent == folder),
        key=lambda file: (file.modified_at, file.path),
    )


def standing(folder: Path, source: FilesSource) -> Iterator[LandedFile]:
    """Yield the files that stand in a folder now and that the source would read."""
    if not folder.is_dir():
        return
    endings = tuple(f".{suffix}" for suffix in suffixes(source))
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith((".", "_")) or not entry.name.endswith(endings):
                continue
            try:
                status = entry.stat()
            except OSError:
                continue
            # Milliseconds, as the listing of the file source has them: the two are compared.
            modified = datetime.fromtimestamp(status.st_mtime_ns // 1_000_000 / 1e3, UTC)
            yield LandedFile(str(folder / entry.name), status.st_size, modified)


def _decoded(uri: str) -> str:
    return unquote(uri.removeprefix("file://").removeprefix("file:"))


def _local(uri: str) -> str:
    """Return the path that Hadoop's spelling of it names; it writes `file:/a b`, blanks as they are."""
    path = uri.removeprefix("file://").removeprefix("file:")
    return path if os.path.lexists(path) else unquote(path)
