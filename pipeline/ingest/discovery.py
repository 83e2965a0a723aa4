"""Finding new files, and fixing which batch takes them."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

from pipeline.delta.reading import hadoop_path
from pipeline.foundation.errors import EnvironmentFaultError
from pipeline.ingest.file_lists import FileList, FileLists
from pipeline.ingest.file_state import FileRecord
from pipeline.ingest.landing import present, shown
from pipeline.ingest.listing import listed_paths

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

    from pipeline.checkpoint.position import Position
    from pipeline.declare.files_source import FilesSource
    from pipeline.ingest.file_state import FileState
    from pipeline.ingest.landing import LandedFile

# A file source forgets what is older than a week, and with one file dated ahead it drops every normal one.
_NO_AGE_LIMIT = "36500d"
_LISTS = "discovered"
EXISTED = "it was there at the first look, and include_existing_files is off"
# How many lists are kept after their batches: a writer that was held up may not take the number of one again.
_LISTS_KEPT = 100


class Discovery:
    """Finds files that no batch has taken, and writes them into lists, one for each batch.

    Structured Streaming's file source reads the folder of lists rather than the landing zone: its checkpoint
    still fixes what each batch takes, and what is in the landing zone (folders, circular links, names in
    no encoding, empty files) can neither stop nor escape the listing.

    The source's log counts one entry for each list. Entry n stands for list n: a batch takes the lists with the numbers
    of its entries, so the order in which Spark comes across the lists, and their times, are of no account.

    A file is taken if it is in a list whose batch is not done, or in the file state, which every batch writes before
    it is done. So nothing here grows with the files that were ever ingested.
    """

    def __init__(
        self,
        folder: Path,
        source: FilesSource,
        position: Position,
        file_state: FileState,
        lists_kept: int = _LISTS_KEPT,
    ) -> None:
        self._folder = folder
        self._source = source
        self._position = position
        self._flow_id = position.flow_id()
        self._lists = FileLists(position.checkpoint() / _LISTS)
        self._file_state = file_state
        self._lists_kept = lists_kept

    @property
    def has_looked(self) -> bool:
        """Whether the flow has ever looked for files."""
        return self._lists.folder.is_dir()

    def look(self, now: datetime) -> int:
        """Write new files into lists, oldest first, and return how many files are in the folder.

        The first look of a source that does not include existing files records that these are left.

        No list is longer or larger than the source allows. Of several writers at once only one takes a file.

        Raises:
            EnvironmentFaultError: The folder cannot be listed.
        """
        if not self.has_looked:
            if not self._source.include_existing_files:
                self._leave_existing(now)
            self._lists.folder.mkdir(parents=True, exist_ok=True)
        while True:
            # The next number and what is taken follow from the same look: if somebody else writes a list after it,
            # the number is gone.
            numbers = self._lists.numbers()
            listed = self._listed()
            found = present(self._without_taken(listed, numbers, self._done_entry()))
            first = numbers[-1] + 1 if numbers else 0
            try:
                for number, files in zip(count(first), _in_batches(found, self._source), strict=False):
                    self._lists.create(number, FileList(now, [file.path for file in files]))
            except FileExistsError:
                continue
            self._forget_old_lists(numbers)
            return len(listed)

    def look_once_read(self, now: datetime) -> None:
        """Look for new files if every list has been read; until then they gather, to be one batch."""
        if self.has_read_all():
            self.look(now)

    def has_read_all(self) -> bool:
        """Return whether every list belongs to a batch that is done."""
        numbers = self._lists.numbers()
        return not numbers or numbers[-1] <= self._done_entry()

    def files_of(self, batch_id: int) -> Iterator[tuple[str, datetime]]:
        """Yield the paths of a batch's files and when each was discovered, as the checkpoint has fixed them."""
        for number in range(self._position.newest_entry(batch_id - 1) + 1, self._position.newest_entry(batch_id) + 1):
            files = self._lists.read(number)
            yield from ((path, files.discovered_at) for path in files.paths)

    def listed_behind(self, batch_id: int) -> list[str]:
        """Return the paths of the files in the lists of later batches than this one."""
        newest = self._position.newest_entry(batch_id)
        return [path for number in self._lists.numbers() if number > newest for path in self._lists.read(number).paths]

    def waiting_behind(self, batch_id: int) -> list[LandedFile]:
        """Return the files in the landing zone that neither a batch nor one before it takes, oldest first."""
        newest = self._position.newest_entry(batch_id)
        numbers = [number for number in self._lists.numbers() if number <= newest]
        return present(self._without_taken(self._listed(), numbers, self._done_entry()))

    def broken_files(self) -> list[Path]:
        """Return what is gone or cut short of the lists, or of the file state: files would be read twice."""
        done = self._position.done_batch()
        if done >= 0 and not self._file_state.has_batch(self._flow_id, done):
            return [self._file_state.path]
        numbers = self._lists.numbers()
        planned = self._position.newest_entry(self._position.planned_batch())
        needed = range(numbers[0] if numbers else 0, planned + 1)
        gone = [number for number in needed if number not in set(numbers)]
        in_flight = range(self._done_entry() + 1, planned + 1)
        return [self._lists.file(number) for number in gone or filter(self._is_cut_short, in_flight)]

    def stream(self, spark: SparkSession) -> DataFrame:
        """Return the stream of lists; each batch has the name of one list."""
        return (
            spark.readStream.format("binaryFile")
            .schema("path STRING, modificationTime TIMESTAMP, length BIGINT, content BINARY")
            .option("pathGlobFilter", "*.json")
            .option("maxFileAge", _NO_AGE_LIMIT)
            .option("ignoreMissingFiles", "true")
            .option("maxFilesPerTrigger", "1")
            .load(hadoop_path(self._lists.folder))
            .select("path")
        )

    def begin(self, flow_id: str) -> None:
        """Have the files that this flow has left be left by another one too, which takes its place.

        Doing it again changes nothing.
        """
        if self.has_looked:
            left = [each for each in self._file_state.current(self._flow_id).values() if each.state == "ignored"]
            key = f"{flow_id}/existing"
            self._file_state.add([replace(each, flow_id=flow_id, batch_key=key) for each in left])
            self._position.folder.joinpath(flow_id, _LISTS).mkdir(parents=True, exist_ok=True)

    def _leave_existing(self, now: datetime) -> None:
        key = f"{self._flow_id}/existing"
        self._file_state.add(
            [
                FileRecord(
                    path=file.shown,
                    state="ignored",
                    size_bytes=file.size_bytes,
                    modified_at=file.modified_at,
                    status_changed_at=file.status_changed_at,
                    discovered_at=now,
                    error=EXISTED,
                    flow_id=self._flow_id,
                    batch_key=key,
                )
                for file in present(self._listed())
            ]
        )

    def _done_entry(self) -> int:
        return self._position.newest_entry(self._position.done_batch())

    def _listed(self) -> list[str]:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            return listed_paths(self._folder, self._source)
        except OSError as error:
            problem = f"The landing zone cannot be listed: {self._folder}: {error.strerror}."
            raise EnvironmentFaultError(problem, "Give yourself permission to read that folder.") from error

    def _without_taken(self, paths: list[str], numbers: list[int], done: int) -> list[str]:
        """Return those of some paths that are neither in one of the lists nor in the file state."""
        # The lists come first: what leaves them is in the file state by then.
        pending = {path for number in numbers if number > done for path in self._lists.read(number).paths}
        rest = [path for path in paths if path not in pending]
        shown_paths = [shown(path) for path in rest]
        ignored = not self._source.include_existing_files
        known = self._file_state.known_among(shown_paths, self._flow_id, with_ignored=ignored)
        return [path for path in rest if shown(path) not in known]

    def _forget_old_lists(self, numbers: list[int]) -> None:
        # Spark has to come across every list, in whatever order, before one may go.
        if numbers and numbers[-1] <= self._done_entry():
            self._lists.delete(numbers[: -self._lists_kept])

    def _is_cut_short(self, number: int) -> bool:
        try:
            self._lists.read(number)
        except (OSError, ValueError, KeyError, TypeError):
            return True
        return False


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
