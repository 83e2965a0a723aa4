"""Finding new files, and fixing which batch takes them."""

from __future__ import annotations

import json
import os
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from pipeline.errors import EnvironmentFaultError
from pipeline.ingest.landing import standing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import DataFrame, SparkSession

    from pipeline.ingest.landing import LandedFile
    from pipeline.ingest.source import FilesSource

# A file source forgets what is older than a week, and with one file dated ahead it drops every normal one.
_NO_AGE_LIMIT = "36500d"
# So many lists are kept one by one; a batch that has to be run again finds its own among them.
_LISTS_KEPT = 100


class Discovery:
    """Finds files that no batch has taken, and writes them into lists, one for each batch.

    Structured Streaming's file source reads the folder of lists rather than the landing zone: its checkpoint
    still fixes what each batch takes, and what stands in the landing zone (folders, links in circles, names in
    no encoding, empty files) cannot stop or escape the listing.
    """

    def __init__(self, folder: Path, source: FilesSource, checkpoint: Path) -> None:
        self._folder = folder
        self._source = source
        self._checkpoint = checkpoint
        self._lists = checkpoint / "discovered"
        self._older = checkpoint / "discovered before.json"

    def taken(self) -> set[str]:
        """Return the paths of all files that are in a list."""
        older = json.loads(self._older.read_text(encoding="utf-8")) if self._older.exists() else []
        return set(older).union(*(_read(file)["paths"] for file in self._lists.glob("*.json")))

    def look(self, now: datetime) -> int:
        """Write new files into lists, oldest first, and return how many files stand in the folder.

        No list is longer or larger than the source allows.

        Raises:
            EnvironmentFaultError: The folder cannot be listed.
        """
        self._lists.mkdir(parents=True, exist_ok=True)
        self._merge_old_lists()
        taken = self.taken()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            listed = list(standing(self._folder, self._source))
        except OSError as error:
            problem = f"The landing zone cannot be listed: {self._folder}: {error.strerror}."
            raise EnvironmentFaultError(problem, "Give yourself permission to read that folder.") from error
        found = [file for file in listed if file.path not in taken]
        found.sort(key=lambda file: (file.modified_at, file.path))
        newest = max(self._lists.glob("*.json"), default=None)
        first, modified_ns = (int(newest.stem) + 1, newest.stat().st_mtime_ns) if newest else (0, 0)
        for number, files in zip(count(first), _in_batches(found, self._source), strict=False):
            content = {"discovered_at": now.isoformat(), "paths": [file.path for file in files]}
            # The file source takes the oldest first by whole milliseconds, and what is equally old in any order.
            modified_ns = max(int(now.timestamp()) * 1_000_000_000, modified_ns + 1_000_000)
            _write(self._lists / f"{number:010}.json", content, modified_ns)
        return len(listed)

    def waiting(self, batch_id: int) -> list[str]:
        """Return the paths of the files in the lists of later batches than this one."""
        last = max((int(file.stem) for file in self._lists_of(batch_id)), default=-1) if batch_id >= 0 else -1
        later = (file for file in self._lists.glob("*.json") if int(file.stem) > last)
        return [path for file in later for path in _read(file)["paths"]]

    def look_once_read(self, now: datetime) -> None:
        """Look for new files if every list has been read; until then they gather, to be one batch."""
        if self.has_read_all():
            self.look(now)

    def has_read_all(self) -> bool:
        """Tell whether batches have passed every list."""
        newest = max((int(file.stem) for file in self._lists.glob("*.json")), default=-1)
        done = max((int(file.name) for file in self._checkpoint.glob("commits/[0-9]*")), default=-1)
        return newest <= self._newest_list_in(done)

    def waiting_behind(self, batch_id: int) -> list[LandedFile]:
        """Return the files that stand in the landing zone and that neither a batch nor one before it takes."""
        limit = self._newest_list_in(batch_id)
        behind = [file for file in self._lists.glob("*.json") if int(file.stem) > limit]
        taken = self.taken().difference(*(_read(file)["paths"] for file in behind))
        return [file for file in standing(self._folder, self._source) if file.path not in taken]

    def broken_files(self, batch_id: int) -> list[Path]:
        """Return which of the lists up to a batch are gone or cut short: their files would be read twice."""
        numbers = sorted(int(file.stem) for file in self._lists.glob("*.json"))
        first, last = (numbers[0] if numbers else 0), self._newest_list_in(batch_id)
        needed = [self._lists / f"{number:010}.json" for number in range(first, last + 1)]
        return [file for file in [*needed, *([self._older] if first else [])] if not _is_json(file)]

    def stream(self, spark: SparkSession) -> DataFrame:
        """Return the stream of lists; one batch takes one list."""
        return (
            spark.readStream.format("binaryFile")
            .schema("path STRING, modificationTime TIMESTAMP, length BIGINT, content BINARY")
            .option("pathGlobFilter", "*.json")
            .option("maxFileAge", _NO_AGE_LIMIT)
            .option("ignoreMissingFiles", "true")
            .option("maxFilesPerTrigger", "1")
            .load(str(self._lists))
            .select("path")
        )

    def planned(self, batch_id: int) -> Iterator[tuple[str, datetime]]:
        """Yield the paths of a batch's files and when each was discovered, as the checkpoint has fixed them."""
        for file in self._lists_of(batch_id):
            content = _read(file)
            discovered = datetime.fromisoformat(content["discovered_at"])
            yield from ((path, discovered) for path in content["paths"])

    def _lists_of(self, batch_id: int) -> Iterator[Path]:
        """Yield the lists that a batch takes."""
        log = self._checkpoint / "sources" / "0"
        for entry in range(self._log_offset(batch_id - 1) + 1, self._log_offset(batch_id) + 1):
            file = next(file for file in (log / str(entry), log / f"{entry}.compact") if file.exists())
            lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()[1:]]
            yield from (self._lists / Path(unquote(line["path"])).name for line in lines if line["batchId"] == entry)

    def _newest_list_in(self, batch_id: int) -> int:
        """Return the number of the newest list that a batch takes, or -1."""
        entry = self._log_offset(batch_id)
        log = self._checkpoint / "sources" / "0"
        file = next((file for file in (log / str(entry), log / f"{entry}.compact") if file.exists()), None)
        if file is None:
            return -1
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()[1:]]
        return max((int(Path(unquote(line["path"])).stem) for line in lines), default=-1)

    def _log_offset(self, batch_id: int) -> int:
        """Return the last entry of the file source's log in a batch; it may differ from its number after a kill."""
        if batch_id < 0:
            return -1
        lines = (self._checkpoint / "offsets" / str(batch_id)).read_text(encoding="utf-8").splitlines()
        return int(json.loads(lines[2])["logOffset"])

    def _merge_old_lists(self) -> None:
        lists = sorted(self._lists.glob("*.json"))
        committed = max((int(file.name) for file in self._checkpoint.glob("commits/[0-9]*")), default=-1)
        if len(lists) < 2 * _LISTS_KEPT or self._log_offset(committed) < int(lists[-1].stem):
            return
        old = lists[:-_LISTS_KEPT]
        older = json.loads(self._older.read_text(encoding="utf-8")) if self._older.exists() else []
        _write(self._older, older + [path for file in old for path in _read(file)["paths"]])
        for file in old:
            file.unlink()


def _in_batches(files: list[LandedFile], source: FilesSource) -> Iterator[list[LandedFile]]:
    batch: list[LandedFile] = []
    size = 0
    for file in files:
        is_full = len(batch) == source.max_files_per_trigger or size + file.size_bytes > source.max_bytes_per_trigger
        if batch and is_full:
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += file.size_bytes
    if batch:
        yield batch


def _read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def _is_json(file: Path) -> bool:
    try:
        _read(file)
    except (OSError, ValueError):
        return False
    return True


def _write(file: Path, content: Any, modified_ns: int | None = None) -> None:
    """Write a file whole or not at all, and onto the disk; with that time of modification, if one is given."""
    scratch = file.with_name(f".{file.name}.tmp")
    with scratch.open("w", encoding="utf-8") as stream:
        json.dump(content, stream)
        stream.flush()
        if modified_ns is not None:
            os.utime(stream.fileno(), ns=(modified_ns, modified_ns))
        os.fsync(stream.fileno())
    scratch.replace(file)
