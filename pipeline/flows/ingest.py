"""The flow from landing files to a streaming table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere
from pyspark.sql.pandas.types import from_arrow_schema

from pipeline.batch import Batch, Written
from pipeline.fault_points import FaultPoint, reach
from pipeline.flows.flow import FilesGoneError, Progress
from pipeline.flows.position import Position
from pipeline.flows.reader import BatchReader
from pipeline.ingest.batch import FileBatch
from pipeline.ingest.file_state import FileState, file_records
from pipeline.ingest.identity import with_known_ids
from pipeline.ingest.reader import FileOutcome, read_error
from pipeline.ingest.schema_log import SchemaLog
from pipeline.ingest.stamp import Stamp
from pipeline.ingest.zone import LandingZone, present
from pipeline.intent import IntentFile

if TYPE_CHECKING:
    from datetime import datetime

    import pyarrow as pa
    from pyspark.sql import DataFrame

    from pipeline.flows.flow import Lakehouse
    from pipeline.graph import Node
    from pipeline.ingest.file_state import FileRecord
    from pipeline.ingest.landing import LandedFile
    from pipeline.ingest.read_rows import RowsHere, RowsInWorkers
    from pipeline.ingest.source import FilesSource
    from pipeline.tables import Table


@dataclass(frozen=True)
class Known:
    """What a table held of files that are read again.

    Attributes:
        gone: Those of the files that are no longer there.
    """

    rows: DataFrame
    gone: list[str]


class IngestFlow:
    """Carries each landed record into a table exactly once.

    A batch is a list of files that the checkpoint fixed; the table's commit carries the batch's number, so a
    batch that is run again after a kill writes nothing twice.
    """

    def __init__(self, lakehouse: Lakehouse, node: Node, source: FilesSource) -> None:
        self.node = node
        self._lakehouse = lakehouse
        self._source = source
        self._schema_log = SchemaLog(lakehouse.state("schema_log", node.name))
        self.files_listed = 0
        self._looks_again = False
        self.position = Position(lakehouse.state("checkpoints", node.name))
        self.zone = LandingZone(lakehouse.home, source, FileState(lakehouse.state("files", node.name)), self.position)

    @property
    def targets(self) -> list[str]:
        """The table that the flow fills."""
        return [self.node.name]

    @property
    def sources(self) -> list[str]:
        """No tables: it reads files."""
        return []

    @property
    def table(self) -> Table:
        """The table that the flow fills."""
        return self._lakehouse.table(self.node.name)

    @property
    def allows_overwrites(self) -> bool:
        """Whether files that come again are read again."""
        return self._source.allow_overwrites

    def source(self) -> DataFrame:
        """Return the stream that hands out new files, batch by batch."""
        discovery = self.zone.discovery()
        self.files_listed = discovery.look(self._lakehouse.clock.now())
        return discovery.stream(self._lakehouse.spark)

    def look_once_read(self) -> None:
        """Find new files while the stream runs, once it has read those that were found before."""
        self._looks_again = True
        self.zone.discovery().look_once_read(self._lakehouse.clock.now())

    def waiting(self, batch_id: int) -> list[LandedFile]:
        """Return the files that wait behind a batch: those found, and while the stream runs those to be found."""
        discovery = self.zone.discovery()
        return discovery.waiting_behind(batch_id) if self._looks_again else present(discovery.waiting(batch_id))

    def has_read_all(self) -> bool:
        """Tell whether every file that was found has been read."""
        return self.zone.discovery().has_read_all()

    def process(self, rows: DataFrame, batch: Batch) -> Progress:
        """Ingest a batch of files and note what became of each.

        Raises:
            NewColumnsError: The files bring columns that the source does not take.
        """
        del rows  # the checkpoint names the files
        files, discovered, missing = self.zone.planned(batch, self._lakehouse.clock.now())
        reach(FaultPoint.DISCOVERY)
        return self._ingest(files, batch, discovered, missing)

    def rows_of(self, paths: list[str], version: int) -> DataFrame | None:
        """Return the rows that some files had brought into the table, as of one of its versions."""
        if version < 0:
            return None
        reader = self._lakehouse.spark.read.format("delta").option("versionAsOf", str(version))
        return reader.load(str(self.table.path)).where(F.col("source_file").isin(paths))

    def take_again(self, paths: list[str], known: DataFrame | None, batch: Batch) -> Progress:
        """Read files once more; records that are among the known rows keep their `record_id`.

        The known rows of a file that is gone by now are put back as they were.
        """
        files = present(paths)
        there = {file.path for file in files}
        discovered = {path: record.discovered_at for path, record in self.zone.known().items() if record.discovered_at}
        gone = [path for path in paths if path not in there]
        return self._ingest(files, batch, discovered, [], Known(known, gone) if known is not None else None)

    def _ingest(
        self,
        files: list[LandedFile],
        batch: Batch,
        discovered: dict[str, datetime],
        missing: list[FileRecord],
        known: Known | None = None,
    ) -> Progress:
        if not files and known is None:
            self.zone.note(missing)
            return Progress(0, {self.node.name: Written()})
        if self.table.committed_batch(batch.flow_id) >= batch.batch_id:
            outcomes, added = self._recounted(files), dict[str, str]()
        else:
            now = self._lakehouse.clock.now()
            reading = FileBatch(self._lakehouse.spark, self._source, self._schema_log, files)
            reading.write(lambda records: self._commit(records, batch, now, known), now)
            outcomes, added = reading.settled(), reading.added
        written = self.table.written_by(batch)
        committed = self._lakehouse.clock.now()
        records = file_records(files, outcomes, batch, self.position.flow_id(), discovered, committed)
        self.zone.note([*records, *missing])
        return Progress(written.rows, {self.node.name: written}, facts=_facts(outcomes, added))

    def clean(self) -> int:
        """Archive or delete files as the source says, and return how many."""
        return self.zone.clean(self._lakehouse.clock.now())

    def check_reset(self, *, accept_loss: bool) -> None:
        """Check that a full refresh finds every file again, as it was read.

        Raises:
            FilesGoneError: Some are gone for good, and that was not accepted.
        """
        if accept_loss or not self.table.exists:
            return
        rows = self.table.read(self._lakehouse.spark) if self.table.is_readable else None
        if rows is not None and "source_file" in rows.columns:
            held = {row["source_file"] for row in rows.select("source_file").distinct().collect()}
        else:
            held = {path for path, file in self.zone.known().items() if file.rows}
        # What a reprocessing that was cut short has taken out of the table is not lost yet.
        begun = IntentFile(self._lakehouse.state("reprocess", self.node.name) / "intent.json").read()
        taken_out = begun["paths"] if begun else []
        lost = self.zone.lost(held.union(taken_out) - set(self.zone.without_rows(taken_out)))
        if lost:
            raise FilesGoneError(self.node.name, lost, "Put them back, or add --accept-loss to go on without them.")

    def begin_anew(self, flow_id: str) -> None:
        """Take a new identity, so that every file of the landing zone and the archive is read again."""
        self.zone.restore_all()
        self.position.renew(flow_id)

    def _commit(self, records: RowsHere | RowsInWorkers, batch: Batch, now: datetime, known: Known | None) -> None:
        stamp = Stamp(now)
        columns = stamp.columns(records.schema)
        if known is None and self._hands_on(columns) and self.table.takes(columns):
            self.table.append(records.stamped(stamp, self.table.path), batch)
            return
        result = BatchReader(self._lakehouse, self.node, None, stamp.on_frame(records.frame())).query()
        if known is not None:
            result = with_known_ids(result, known.rows)
            kept = known.rows.where(F.col("source_file").isin(known.gone))
            result = result.unionByName(kept, allowMissingColumns=True) if known.gone else result
        self.table.append(result, batch, few=records.are_few and known is None)

    def _hands_on(self, columns: pa.Schema) -> bool:
        """Tell whether the table's query returns its files' records as they are: then Spark need not see them."""
        none = self._lakehouse.spark.createDataFrame([], from_arrow_schema(columns))
        return BatchReader(self._lakehouse, self.node, None, none).query() is none

    def _recounted(self, files: list[LandedFile]) -> list[FileOutcome]:
        """Return what the committed rows say of each file; for a batch whose first run was cut short."""
        paths = [file.shown for file in files]
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
        counts = {row["source_file"]: (row["rows"], row["corrupt_rows"], row["rescued_rows"]) for row in counted}
        return [
            FileOutcome(file.path, *counts.get(file.shown, (0, 0, 0)), error=read_error(file.path)) for file in files
        ]


def _facts(outcomes: list[FileOutcome], added: dict[str, str]) -> dict[str, object]:
    return {
        "num_files": len(outcomes),
        "num_corrupt_rows": sum(outcome.corrupt_rows for outcome in outcomes),
        "num_rescued_rows": sum(outcome.rescued_rows for outcome in outcomes),
        "num_files_set_aside": sum(outcome.error is not None for outcome in outcomes),
        "new_columns": added,
    }
