"""The flow from landing files to a streaming table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline.delta.batch import Batch, Written
from pipeline.delta.reading import hadoop_path
from pipeline.delta.rows import Held, SparkRows
from pipeline.delta.schema import spark_schema
from pipeline.delta.write.files import DataFiles
from pipeline.flows.batch_query import BatchReader
from pipeline.flows.flow import FilesGoneError, Flow, Listing, Progress
from pipeline.flows.numbering import numbered, numbering_in, renumbered
from pipeline.flows.soundness import rebuild_remedy
from pipeline.foundation.errors import DamagedStateError
from pipeline.foundation.fault_points import FaultPoint, reach
from pipeline.home.intents import IntentFile
from pipeline.ingest.batch import BatchOfRows, FileBatch, all_read_through, facts_of
from pipeline.ingest.file_state import FileState, file_records
from pipeline.ingest.identity import with_known_ids
from pipeline.ingest.landing import present
from pipeline.ingest.reader import FileOutcome, Plan
from pipeline.ingest.schema_log import SchemaLog
from pipeline.ingest.stamp import Stamp
from pipeline.ingest.zone import LandingZone

if TYPE_CHECKING:
    from datetime import datetime

    import pyarrow as pa
    from pyspark.sql import DataFrame

    from pipeline.declare.files_source import FilesSource
    from pipeline.declare.graph import Node
    from pipeline.flows.open import Lakehouse
    from pipeline.ingest.file_state import FileRecord
    from pipeline.ingest.landing import LandedFile


@dataclass(frozen=True)
class Known:
    """The rows that a table had of files that are read again.

    Attributes:
        gone: The files that are not there any more.
    """

    rows: DataFrame
    gone: list[str]


class IngestFlow(Flow):
    """Carries each landed record into a table exactly once.

    A batch is a list of files that the checkpoint fixed; the table's commit carries the batch's number, so a
    batch that is run again after a kill writes nothing twice.
    """

    def __init__(self, lakehouse: Lakehouse, node: Node, source: FilesSource) -> None:
        super().__init__(lakehouse, node)
        self._source = source
        self._schema_log = SchemaLog(lakehouse.places(node.name).schema_log)
        self._looks_again = False
        self.zone = LandingZone(
            lakehouse.home, source, FileState(lakehouse.places(node.name).file_state), self.position
        )

    @property
    def sources(self) -> list[str]:
        """No tables: it reads files."""
        return []

    @property
    def allows_overwrites(self) -> bool:
        """Whether files that come again are read again."""
        return self._source.allow_overwrites

    def source(self) -> DataFrame:
        """Return the stream that hands out new files, batch by batch."""
        clock, discovery = self._lakehouse.clock, self.zone.discovery()
        before = clock.now()
        files = discovery.look(before)
        self.listing = Listing(self.zone.folder, files, (clock.now() - before).total_seconds())
        return discovery.stream(self._lakehouse.spark)

    def look_for_files(self) -> None:
        """Find new files while the stream runs, once it has read those that were found before."""
        self._looks_again = True
        self.zone.discovery().look_once_read(self._lakehouse.clock.now())

    def backlog(self, batch_id: int) -> dict[str, int]:
        """Return the files behind a batch that were found and, while the stream runs, those still to be found."""
        discovery = self.zone.discovery()
        files = discovery.waiting_behind(batch_id) if self._looks_again else present(discovery.listed_behind(batch_id))
        return {"backlog_files": len(files), "backlog_bytes": sum(file.size_bytes for file in files)}

    def has_read_all(self) -> bool:
        """Return whether every file that was found has been read."""
        return self.zone.discovery().has_read_all()

    def process(self, _rows: DataFrame, batch: Batch, /) -> Progress:
        """Ingest a batch of files and record what became of each; the checkpoint says which files these are.

        Raises:
            NewColumnsError: The files bring columns that the source does not take.
        """
        files, discovered, missing = self.zone.files_of(batch, self._lakehouse.clock.now())
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
        records = self.zone.known(paths)
        discovered = {path: record.discovered_at for path, record in records.items() if record.discovered_at}
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
            self.zone.add(missing)
            return Progress(0, {self.node.name: Written()})
        if self.table.committed_batch(batch.flow_id) >= batch.batch_id:
            outcomes, added = self._recounted(files) if self._rows_name_files() else self._read_again(files), {}
        else:
            read = self._read(files)
            self._commit(read.rows, batch, known)
            outcomes, added = read.outcomes, read.new_columns
        written = self.table.written_by(batch)
        committed = self._lakehouse.clock.now()
        records = file_records(files, outcomes, batch, self.position.flow_id(), discovered, committed)
        self.zone.add([*records, *missing])
        return Progress(written.rows, {self.node.name: written}, facts=facts_of(outcomes, added))

    def clean(self) -> int:
        """Archive or delete files as the source says, and return how many."""
        return self.zone.clean(self._lakehouse.clock.now())

    def _check_checkpoint(self) -> None:
        super()._check_checkpoint()
        for file in self.zone.discovery().broken_files():
            problem = f"The checkpoint of `{self.node.name}` is damaged: {file} is gone or cut short."
            raise DamagedStateError(problem, rebuild_remedy(self.node.name))

    def check_reset(self, *, accept_loss: bool) -> None:
        """Check that a full refresh may empty the table and finds every file again, as it was read."""
        super().check_reset(accept_loss=accept_loss)
        if accept_loss or not self.table.exists:
            return
        rows = self.table.read(self._lakehouse.spark) if self.table.is_readable else None
        if rows is not None and self._rows_name_files():
            held = {row["source_file"] for row in rows.select("source_file").distinct().collect()}
        else:
            held = {path for path, file in self.zone.known().items() if file.rows}
        # What a reprocessing that was cut short has taken out of the table is not lost yet.
        begun = IntentFile(self._lakehouse.places(self.node.name).reprocess_intent).read()
        taken_out = begun["paths"] if begun else []
        lost = self.zone.lost(held.union(taken_out) - set(self.zone.without_rows(taken_out)))
        if lost:
            raise FilesGoneError(self.node.name, lost, "Put them back, or add --accept-loss to go on without them.")

    def begin_anew(self, flow_id: str) -> None:
        """Take a new identity, so that every file of the landing zone and the archive is read again."""
        self.zone.begin_anew(flow_id)
        super().begin_anew(flow_id)

    def _read(self, files: list[LandedFile]) -> BatchOfRows:
        spark, limits = self._lakehouse.spark, self._lakehouse.limits
        reading = FileBatch(spark, limits, self._source, self._schema_log, files, str(self.zone.folder))
        return reading.read(Stamp(self._lakehouse.clock.now()), self.table.path)

    def _commit(self, rows: Held | DataFiles, batch: Batch, known: Known | None) -> None:
        if known is None and self._query_keeps_rows(rows.schema) and self.table.takes(rows.schema):
            self.table.append(rows, batch)
            return
        records = rows.as_frame() if isinstance(rows, Held) else self._frame_of(rows)
        result = numbered(self._queried(records), numbering_in(self.table.opened(), self.node))
        if known is not None:
            result = renumbered(with_known_ids(result, known.rows))
            kept = known.rows.where(F.col("source_file").isin(known.gone))
            result = result.unionByName(kept, allowMissingColumns=True) if known.gone else result
        at_most = rows.at_most if known is None else None
        self.table.append(SparkRows(result, at_most), batch)
        if isinstance(rows, DataFiles):
            rows.discard()

    def _query_keeps_rows(self, schema: pa.Schema) -> bool:
        """Return whether the table's query returns its files' records unchanged, so that Spark need not read them."""
        records = self._lakehouse.spark.createDataFrame([], spark_schema(schema))
        return self._queried(records) is records

    def _queried(self, records: DataFrame) -> DataFrame:
        return BatchReader(self._lakehouse, self.node, None, records).query()

    def _frame_of(self, rows: DataFiles) -> DataFrame:
        spark, schema = self._lakehouse.spark, spark_schema(rows.schema)
        paths = [hadoop_path(rows.folder / file.name) for file in rows.files]
        return spark.read.schema(schema).parquet(*paths) if paths else spark.createDataFrame([], schema)

    def _rows_name_files(self) -> bool:
        """Return whether the table has the columns of files' records, so that its rows can be counted by file."""
        return {"record_id", "source_file", "_corrupt_record", "_rescued_data"} <= set(self.table.opened().columns)

    def _read_again(self, files: list[LandedFile]) -> list[FileOutcome]:
        """Return what reading files gives whose rows are in the table already."""
        read = self._read(files)
        if isinstance(read.rows, DataFiles):
            read.rows.discard()
        return read.outcomes

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
        outcomes = [FileOutcome(file.path, *counts.get(file.shown, (0, 0, 0))) for file in files]
        plan = Plan(self._source, (), folder=str(self.zone.folder))
        return all_read_through(self._lakehouse.spark, outcomes, plan)
