"""The flow from landing files to a streaming table."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline.flows.flow import Progress, moment
from pipeline.flows.position import Position
from pipeline.flows.reader import BatchReader
from pipeline.ingest.batch import FileBatch
from pipeline.ingest.file_state import FileRecord, FileState
from pipeline.ingest.landing import discovery, listed
from pipeline.ingest.schema_log import SchemaLog
from pipeline.tables import Batch, Table, Written

if TYPE_CHECKING:
    from datetime import datetime

    from pyspark.sql import DataFrame

    from pipeline.flows.flow import Lakehouse
    from pipeline.graph import Node
    from pipeline.ingest.landing import LandedFile
    from pipeline.ingest.reader import FileOutcome
    from pipeline.ingest.source import FilesSource


class IngestFlow:
    """Carries each landed record into a table exactly once.

    A batch is a list of files that the checkpoint fixed; the table's commit carries the batch's number, so a
    batch that is run again after a kill writes nothing twice.
    """

    def __init__(self, lakehouse: Lakehouse, node: Node, source: FilesSource) -> None:
        self.node = node
        self._lakehouse = lakehouse
        self._source = source
        self._folder = lakehouse.home.landing / source.path
        self._schema_log = SchemaLog(lakehouse.state("schema_log", node.name))
        self._file_state = FileState(lakehouse.state("files", node.name))
        self.position = Position(lakehouse.state("checkpoints", node.name))

    @property
    def targets(self) -> list[str]:
        """The table that the flow fills."""
        return [self.node.name]

    @property
    def table(self) -> Table:
        """The table that the flow fills."""
        return self._lakehouse.table(self.node.name)

    def source(self) -> DataFrame:
        """Return the stream of landed files."""
        return discovery(self._lakehouse.spark, self._folder, self._source)

    def process(self, rows: DataFrame, batch: Batch) -> Progress:
        """Ingest a batch of files and note what became of each.

        Raises:
            NewColumnsError: The files bring columns that the source does not take.
        """
        now = self._lakehouse.clock.now()
        files = listed(rows.collect(), self._folder)
        if not files:
            return Progress(0, {self.node.name: Written()})
        if self.table.committed_batch(batch.flow_id) >= batch.batch_id:
            written = self.table.written_by(batch)
            outcomes, added = self._recounted(files), dict[str, str]()
        else:
            reading = FileBatch(self._lakehouse.spark, self._source, self._schema_log, files)
            reading.write(lambda records: self._commit(records, batch, now), now)
            written = self.table.written_by(batch)
            outcomes, added = reading.settled(), reading.added
        self._file_state.add(_records(files, outcomes, batch, now, self._lakehouse.clock.now()))
        facts = {
            "num_files": len(files),
            "num_corrupt_rows": sum(outcome.corrupt_rows for outcome in outcomes),
            "num_rescued_rows": sum(outcome.rescued_rows for outcome in outcomes),
            "num_files_set_aside": sum(outcome.error is not None for outcome in outcomes),
            "new_columns": added,
        }
        return Progress(written.rows, {self.node.name: written}, facts=facts)

    def reset(self) -> None:
        """Empty the table and read every file that stands in the landing zone again."""
        self.position.renew()
        self.table.empty(self._lakehouse.spark)

    def _commit(self, records: DataFrame, batch: Batch, now: datetime) -> None:
        stamped = records.select(
            F.concat(F.lit(f"{uuid.uuid4().hex[:16]}-"), F.lower(F.hex(F.monotonically_increasing_id()))).alias(
                "record_id"
            ),
            "*",
            F.expr(moment(now)).alias("ingestion_timestamp"),
        )
        result = BatchReader(self._lakehouse, self.node, None, stamped).query()
        self.table.append(result, batch)

    def _recounted(self, files: list[LandedFile]) -> list[FileOutcome]:
        """Return what the committed rows say of each file; for a batch whose first run was cut short."""
        from pipeline.ingest.reader import FileOutcome  # noqa: PLC0415

        paths = [file.path for file in files]
        counted = (
            self.table.read(self._lakehouse.spark)
            .where(F.col("source_file").isin(paths))
            .groupBy("source_file")
            .agg(
                F.count(F.lit(1)).alias("rows"),
                F.count("_corrupt_record").alias("corrupt_rows"),
                F.count("_rescued_data").alias("rescued_rows"),
            )
            .collect()
        )
        known = {
            row["source_file"]: FileOutcome(row["source_file"], row["rows"], row["corrupt_rows"], row["rescued_rows"])
            for row in counted
        }
        return [known.get(path, FileOutcome(path)) for path in paths]


def _records(
    files: list[LandedFile], outcomes: list[FileOutcome], batch: Batch, discovered: datetime, committed: datetime
) -> list[FileRecord]:
    by_path = {outcome.path: outcome for outcome in outcomes}
    return [
        FileRecord(
            path=file.path,
            state="set aside" if by_path[file.path].error else "ingested",
            size_bytes=file.size_bytes,
            modified_at=file.modified_at,
            discovered_at=discovered,
            committed_at=committed,
            rows=by_path[file.path].rows,
            corrupt_rows=by_path[file.path].corrupt_rows,
            rescued_rows=by_path[file.path].rescued_rows,
            error=by_path[file.path].error,
            flow_id=batch.flow_id,
            batch_id=batch.batch_id,
            update_id=batch.update_id,
        )
        for file in files
    ]
