"""The flow of a table that follows snapshots: each changes the rows that differ from it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pyspark import StorageLevel

from pipeline.declare.change_flow import OPERATION, SEQUENCE
from pipeline.declare.snapshot_flow import column_of
from pipeline.delta.batch import Batch, Written
from pipeline.flows.batch_query import BatchReader
from pipeline.flows.change_merge import ChangeMerge, facts
from pipeline.flows.flow import Progress
from pipeline.flows.snapshot_record import SnapshotRecord, Taken
from pipeline.flows.snapshot_rows import SnapshotEvents, check_keys, differences
from pipeline.flows.soundness import rebuild_remedy
from pipeline.flows.undriven import UndrivenFlow
from pipeline.foundation.errors import AuthorError, DamagedStateError, DataError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pipeline.declare.graph import Node
    from pipeline.declare.snapshot_flow import SnapshotFlow, Version
    from pipeline.flows.open import Lakehouse

_FILE = "snapshots.json"
# Two versions of a source that is read as it stands are at least this far apart.
_INSTANT = timedelta(microseconds=1)


class SnapshotOrderError(DataError):
    """A snapshot has a version that is not after the one before it; nothing of it was written."""

    def __init__(self, flow: SnapshotFlow, version: Version, newest: Version) -> None:
        super().__init__(
            f"{flow.location}: `{flow.source}` gives a snapshot of the version {version!r}; expected one after "
            f"{newest!r}, which `{flow.target}` has.",
            "Have the function return the snapshot that follows the version it is given, or None.",
        )


class SnapshotTableFlow(UndrivenFlow):
    """Takes one snapshot after the other, each in a batch of its own.

    A snapshot is compared with what the table holds; its differences are events at its version, newer than all before,
    and continue the table's rows. Its version is recorded before the commit and after it, so that a kill neither loses
    a snapshot nor takes one twice.
    """

    def __init__(self, lakehouse: Lakehouse, node: Node, snapshots: SnapshotFlow) -> None:
        super().__init__(lakehouse, node)
        self._snapshots = snapshots
        self._next: tuple[DataFrame, Version] | None = None
        self._has_looked = False

    def due_batch(self, update_id: str) -> Batch | None:
        """Return the batch of the next snapshot, or None if there is none; a dataset gives one at every other call.

        Raises:
            SnapshotOrderError: The next snapshot has a version that is not after the one before it.
        """
        newest = self._newest()
        self._next = self._now(newest) if self._snapshots.following is None else self._following(newest)
        if self._next is None:
            return None
        return Batch(update_id, self.node.name, self._due_id(), 0 if newest is None else newest.batch_id + 1)

    def recompute(self, batch: Batch) -> Progress:
        """Take the snapshot that `due_batch` has found; for any other batch there is nothing to do.

        Raises:
            UnclearSnapshotError: Rows of it have NULL in a key, or several have the same keys.
        """
        if batch.flow_id != self._due_id():
            return Progress(0, {})
        assert self._next is not None
        rows, version = self._next
        changes, record, shape = self._snapshots.changes, self._record, self._shape()
        taken = Taken(batch.batch_id, version)
        named = self._snapshots.events(rows, version).drop(SEQUENCE, OPERATION).persist(StorageLevel.MEMORY_AND_DISK)
        persisted = [named]
        try:
            count = check_keys(named, changes, self.node.name)
            # Without rows the table may have the columns of another declaration.
            has_rows = self.table.exists and self.table.row_count() > 0
            held = self.table.read(self._lakehouse.spark) if has_rows else None
            events = differences(named, held, changes, column_of(version)).persist(StorageLevel.MEMORY_AND_DISK)
            persisted.append(events)
            record.plan(taken, self._newest(), shape)
            written, closed = Written(), 0
            if not self.table.exists or not events.isEmpty():
                known = SnapshotEvents(changes, self._lakehouse.spark, events.schema[SEQUENCE].dataType)
                written, closed = ChangeMerge(known, self.table, few=False).write(events, None, batch)
            record.finish(taken, shape)
        finally:
            for frame in persisted:
                frame.unpersist()
        return Progress(count, {self.node.name: written}, facts={**facts(written, closed), "version": str(version)})

    def _now(self, newest: Taken | None) -> tuple[DataFrame, Version] | None:
        """Return what the source holds now, unless it was taken by the call before."""
        self._has_looked = not self._has_looked
        if not self._has_looked:
            return None
        version = self._lakehouse.clock.now()
        if newest is not None:
            assert isinstance(newest.version, datetime)
            version = max(version, newest.version + _INSTANT)
        assert self._snapshots.read is not None
        return self._reader.answering(self._snapshots.read), version

    def _following(self, newest: Taken | None) -> tuple[DataFrame, Version] | None:
        """Return the snapshot that follows the newest one.

        Raises:
            SnapshotOrderError: Its version is not after that one's.
        """
        before = None if newest is None else newest.version
        found = self._reader.answering(lambda: self._snapshots.next_after(before))
        if found is not None and before is not None and not _is_after(found[1], before):
            raise SnapshotOrderError(self._snapshots, found[1], before)
        return found

    @property
    def _reader(self) -> BatchReader:
        return BatchReader(self._lakehouse, self.node, None, None)

    @property
    def _record(self) -> SnapshotRecord:
        return SnapshotRecord(self.position.checkpoint() / _FILE, self.node.name)

    def _newest(self) -> Taken | None:
        return self._record.newest(self.table.committed_batch(self._due_id()))

    def _due_id(self) -> str:
        """Return the identity under which snapshots are committed; it changes with a full refresh."""
        return f"{self.position.flow_id()}/snapshots"

    def _shape(self) -> Any:
        assert self.node.frame is not None
        return self._snapshots.changes.shape(self.node.frame)

    def _check_checkpoint(self) -> None:
        self.position.check(self.table, self._due_id())
        name, record = self.node.name, self._record
        if not record.exists and self.table.committed_batch(self._due_id()) >= 0:
            problem = f"Nothing says which snapshots `{name}` has taken: {record.file} is gone."
            raise DamagedStateError(problem, rebuild_remedy(name))
        if record.exists and record.shape() != self._shape():
            problem = f"{self.node.dataset.location}: the snapshots of `{name}` are declared in another way."
            remedy = f"Run `python -m pipeline run --full-refresh {name}`, or go back to what they were."
            raise AuthorError(problem, remedy)

    def tables_without_record_id(self) -> list[str]:
        """Return no table: the next snapshot says what became of every row."""
        return []

    def take_out(self, rows: DataFrame, batch: Batch) -> dict[str, Written]:
        """Delete nothing: the next snapshot does."""
        del rows, batch
        return {}


def _is_after(version: Any, other: Any) -> bool:
    try:
        return bool(version > other)
    except TypeError:
        # Versions of two types have no order.
        return False
