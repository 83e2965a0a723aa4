"""A flow: it fills one table, or a table and its quarantine, batch by batch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pipeline.checkpoint.position import Position
from pipeline.delta.merge import delete_matching
from pipeline.flows.soundness import check_commits, check_log, check_there
from pipeline.flows.upstream import next_versions
from pipeline.foundation.errors import AuthorError, DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import DataFrame

    from pipeline.declare.graph import Node
    from pipeline.delta.batch import Batch, Written
    from pipeline.delta.table import Table
    from pipeline.events.log import Totals
    from pipeline.flows.open import Lakehouse
    from pipeline.quality.judge import Evidence


@dataclass(frozen=True)
class Progress:
    """What one batch did, for the event log.

    Attributes:
        rows_in: Records or rows that the batch read.
        written: For each table that the batch wrote to, what was committed.
        evidence: What judging the rows showed, or None where there is nothing to judge with.
        facts: More figures for the event's details.
    """

    rows_in: int
    written: Mapping[str, Written]
    evidence: Evidence | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Listing:
    """One listing of a landing zone.

    Attributes:
        files: How many files are in the folder, read or not.
        seconds: How long it took.
    """

    folder: Path
    files: int
    seconds: float


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Flow(ABC):
    """Fills one table, or a table and its quarantine.

    Attributes:
        node: The table's node in the graph; it gives the flow its name.
        position: How far the flow has read its sources.
        listing: The newest listing of its landing zone; None for a flow that reads tables.
        output_mode: What each batch of its query holds: new rows, changed rows, or all rows.
    """

    listing: Listing | None = None
    output_mode: Literal["append", "update", "complete"] = "append"

    def __init__(self, lakehouse: Lakehouse, node: Node) -> None:
        self._lakehouse = lakehouse
        self.node = node
        self.position = Position(lakehouse.places(node.name).checkpoints)
        # Tables that its query was started without.
        self._missing: set[str] = set()

    @property
    def table(self) -> Table:
        """The table that gives the flow its name."""
        return self._lakehouse.table(self.node.name)

    @property
    def targets(self) -> list[str]:
        """The tables that the flow writes to; the first gives it its name."""
        return [self.node.name]

    @property
    @abstractmethod
    def sources(self) -> list[str]:
        """The tables whose commits drive the flow."""

    @property
    def reads_files(self) -> bool:
        """Whether the flow reads a landing zone."""
        return self.node.files is not None

    @abstractmethod
    def source(self) -> DataFrame | None:
        """Return the stream that drives the flow, or None while none of its sources has a table."""

    @abstractmethod
    def process(self, rows: DataFrame, batch: Batch, /) -> Progress:
        """Write one batch to the tables; repeating the call for the same batch writes nothing twice."""

    def due_batch(self, update_id: str) -> Batch | None:
        """Return the batch in which an update has to compute the table, though no source has new rows, or None."""
        del update_id
        return None

    def look_for_files(self) -> None:  # noqa: B027 - most flows read tables
        """Find new files for a query that is running; a flow that reads tables has none to find."""

    def backlog(self, batch_id: int) -> dict[str, int]:
        """Return the files and bytes behind a batch that are still to be read, by the names they have in events.

        Args:
            batch_id: The batch; -1 for a flow that has not finished any.
        """
        logs = [self._lakehouse.table(name).log for name in self.sources]
        added = [log.added_since(version) for log, version in zip(logs, self._next_versions(batch_id), strict=True)]
        return {
            "backlog_files": sum(files for files, _ in added),
            "backlog_bytes": sum(size for _, size in added),
        }

    def _next_versions(self, batch_id: int) -> list[int]:
        """Return, for each source, the version of its table that the batch after this one begins with."""
        count = len(self.sources)
        return [*next_versions(self.position.offsets(batch_id)), *[0] * count][:count]

    def is_outdated(self) -> bool:
        """Return whether a table has been filled since the query was started without it."""
        return any(map(self._exists, self._missing))

    def _exists(self, name: str) -> bool:
        return self._lakehouse.table(name).exists

    def backlog_of_failed(self) -> dict[str, int]:
        """Return the backlog of a flow that has failed, its failed batch included.

        The result is empty if the position cannot be read: whatever stopped the flow may have damaged that too.
        """
        try:
            return self.backlog(self.position.done_batch())
        except Exception:  # noqa: BLE001 - the error that stopped the flow is the one to report
            return {}

    def has_read_all(self) -> bool:
        """Return whether the position has passed everything that the sources hold."""
        done = self.position.done_batch()
        return done == self.position.planned_batch() and not self.backlog(done)["backlog_files"]

    def check_sound(self, totals: Totals) -> None:
        """Check that the flow's checkpoint, its tables and the event log agree; nothing is written.

        Raises:
            DamagedStateError: Something was removed from one of them behind the flow's back.
        """
        self._check_checkpoint()
        has_begun = self.position.done_batch() >= 0
        targets = [self._lakehouse.table(name) for name in self.targets]
        for table in targets:
            check_log(table, has_begun=has_begun or totals.has_rows_of(table.path.name))
        for table in map(self._lakehouse.table, self._lakehouse.graph.stored_inputs(self.node.name)):
            check_log(table, has_begun=totals.has_rows_of(table.path.name))
            check_there(table, totals)
        for table in targets:
            check_commits(table, self.position, totals)

    def _check_checkpoint(self) -> None:
        self.position.check(self.table)

    def check_reset(self, *, accept_loss: bool) -> None:
        """Check that a full refresh may empty the flow's tables and can fill them again.

        Args:
            accept_loss: Whether rows may be lost whose files are gone for good.

        Raises:
            AuthorError: A table is declared with `reset_allowed=False`.
            FilesGoneError: Files are gone for good, and that was not accepted.
        """
        del accept_loss  # only files can be gone
        for dataset in map(self._lakehouse.dataset, self.targets):
            if not dataset.reset_allowed:
                problem = f"{dataset.location}: `{dataset.name}` is declared with reset_allowed=False."
                raise AuthorError(problem, "Leave it out of the full refresh, or allow the reset there.")

    def begin_anew(self, flow_id: str) -> None:
        """Take a new identity, so that the whole source is read again; the tables have been emptied."""
        self.position.renew(flow_id)

    def clean(self) -> int:
        """Archive or delete ingested files as the source asks for, and return how many."""
        return 0

    def tables_without_record_id(self) -> list[str]:
        """Return those of the flow's tables whose rows do not say which record they come from."""
        tables = {name: self._lakehouse.table(name) for name in self.targets}
        spark = self._lakehouse.spark
        return [name for name, table in tables.items() if table.exists and "record_id" not in table.read(spark).columns]

    def take_out(self, rows: DataFrame, batch: Batch) -> dict[str, Written]:
        """Delete the rows that come from the same records as the given ones, once for a batch."""
        tables = {name: self._lakehouse.table(name) for name in self.targets}
        record_ids = rows.select("record_id")
        return {
            name: delete_matching(self._lakehouse.spark, table, record_ids, ["record_id"], batch)
            for name, table in tables.items()
            if table.exists
        }

    def recompute(self, batch: Batch) -> Progress:
        """Correct rows that depend on deleted ones, once for a batch; only a view has such rows."""
        del batch
        return Progress(0, {})


class FilesGoneError(DataError):
    """Rows would be lost, because the files that they came from are gone."""

    def __init__(self, table: str, paths: list[str], remedy: str) -> None:
        self.table, self.paths = table, paths
        listed = ", ".join(Path(path).name for path in paths[:5])
        more = f" and {len(paths) - 5} more" if len(paths) > len(paths[:5]) else ""
        super().__init__(
            f"`{table}` would lose the rows of files that are neither in the landing zone nor in the archive: "
            f"{listed}{more}.",
            remedy,
        )


def from_micros(microseconds: int) -> datetime:
    """Return the moment this many microseconds after 1970, aware and in UTC.

    Spark hands timestamps to Python in the machine's time zone and without saying so; numbers have no zone.
    """
    return _EPOCH + timedelta(microseconds=microseconds)


def moment(now: datetime) -> str:
    """Return a moment as a Spark SQL literal."""
    return f"TIMESTAMP '{now:%Y-%m-%d %H:%M:%S.%f}+00:00'"
