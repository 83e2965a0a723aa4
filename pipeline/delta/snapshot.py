"""A Delta table opened once: what it holds at that version, and the commits that go on from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deltalake import DeltaTable, Schema, write_deltalake
from deltalake.exceptions import TableNotFoundError
from deltalake.transaction import AddAction, create_table_with_add_actions

from pipeline.delta.checksum import write_checksum
from pipeline.delta.properties import TABLE_PROPERTIES
from pipeline.delta.reading import greatest, rows_of
from pipeline.delta.write import columns
from pipeline.foundation.fault_points import FaultPoint, reach

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pyarrow as pa

    from pipeline.delta.batch import Batch
    from pipeline.delta.write.files import DataFiles


@dataclass
class Snapshot:
    """A table at the version that was opened, or the place where there is no table yet.

    Each commit names its batch as Delta's transaction and is based on this snapshot. So it is safe to ask for the
    newest batch and then commit the next one: if somebody else has committed that batch in between, Delta refuses ours.
    A commit moves the snapshot on to the version that it made.

    Attributes:
        path: The table's folder.
        log: The table as deltalake opened it, or None.
    """

    path: Path
    log: DeltaTable | None

    @classmethod
    def opened(cls, path: Path) -> Snapshot:
        """Open a table at its newest version.

        Raises:
            DeltaError: Its log cannot be read.
        """
        try:
            return cls(path, DeltaTable(path))
        except TableNotFoundError:
            return cls(path, None)

    @property
    def version(self) -> int:
        """The version, or -1."""
        return -1 if self.log is None else int(self.log.version())

    @property
    def columns(self) -> list[str]:
        """The names of the columns; empty if the table does not exist."""
        return [] if self.log is None else [field.name for field in self.log.schema().fields]

    @property
    def row_count(self) -> int:
        """The number of rows, from the log alone."""
        return 0 if self.log is None else int(self.log.count())

    def rows(self, columns: Sequence[str] | None = None, where: str | None = None) -> pa.Table:
        """Return the rows, read in this process, in no particular order; the table must exist.

        Args:
            columns: The columns; all of them by default.
            where: A condition in DataFusion's SQL; files whose statistics rule it out are not read.
        """
        assert self.log is not None
        return rows_of(self.log, columns, where)

    def greatest(self, column: str) -> Any:
        """Return a column's greatest value, or None where it has none; a moment to the millisecond."""
        return None if self.log is None else greatest(self.log, column)

    def committed_batch(self, flow_id: str) -> int:
        """Return the newest batch that a flow has committed, or -1."""
        transaction = None if self.log is None else self.log.transaction_version(flow_id)
        return -1 if transaction is None else int(transaction)

    def can_append(self, schema: pa.Schema) -> bool:
        """Return whether deltalake can append rows with these columns; if not, Spark has to."""
        return columns.can_create(schema) if self.log is None else columns.can_append(self.log, schema)

    def can_merge(self, schema: pa.Schema) -> bool:
        """Return whether deltalake can merge rows with these columns; if not, Spark has to."""
        return self.log is not None and columns.can_merge(self.log, schema)

    def append(self, rows: pa.Table, batch: Batch) -> None:
        """Append rows, or create the table with them; columns that they lack are NULL."""
        write_deltalake(
            self.log or self.path,
            rows,
            mode="append",
            schema_mode="merge",
            configuration=TABLE_PROPERTIES,
            commit_properties=batch.commit_properties(),
        )
        self._committed()

    def add(self, written: DataFiles, batch: Batch) -> None:
        """Take in files that are in the table's folder, or create the table with them."""
        reach(FaultPoint.FILES_WRITTEN)
        metrics = {
            "numFiles": str(len(written.files)),
            "numOutputRows": str(written.row_count),
            "numOutputBytes": str(sum(file.size_bytes for file in written.files)),
        }
        properties = batch.commit_properties(metrics)
        actions: list[Any] = [
            AddAction(file.name, file.size_bytes, {}, file.modified_at, data_change=True, stats=file.statistics)
            for file in written.files
        ]
        if self.log is None:
            schema = Schema.from_arrow(written.schema)
            create_table_with_add_actions(
                str(self.path), schema, actions, configuration=TABLE_PROPERTIES, commit_properties=properties
            )
        else:
            self.log.create_write_transaction(actions, "append", self.log.schema(), commit_properties=properties)
        self._committed()

    def merge(self, rows: pa.Table, same_row: str, changed: str, batch: Batch, *, mark: str | None = None) -> None:
        """Replace the rows that some rows match, and insert those that match none.

        A batch that changes nothing is named by an empty commit.

        Args:
            rows: The rows, `fresh` in the conditions.
            same_row: Which of the table's rows, `held`, a row replaces.
            changed: Whether it differs from that row; if not, it is not written.
            batch: The key of the commit.
            mark: A column of the rows, not stored: where it is false, the row that they match is deleted.
        """
        assert self.log is not None
        before, properties = self.version, batch.commit_properties()
        merge = self.log.merge(rows, same_row, source_alias="fresh", target_alias="held", commit_properties=properties)
        if mark is not None:
            merge = merge.when_matched_delete(f"NOT fresh.{mark}")
        wanted, unstored = (f"fresh.{mark}", [mark]) if mark is not None else (None, None)
        merge.when_matched_update_all(changed, unstored).when_not_matched_insert_all(wanted, unstored).execute()
        if self.version == before:
            self.log.create_write_transaction([], "append", self.log.schema(), commit_properties=properties)
        self._committed()

    def _committed(self) -> None:
        if self.log is None:
            self.log = DeltaTable(self.path)
        else:
            self.log.update_incremental()
        write_checksum(self.log)
