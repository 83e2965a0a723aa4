"""The flow from landing files to a streaming table."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline.flows.flow import FilesGoneError, Progress, moment
from pipeline.flows.position import Position
from pipeline.flows.reader import BatchReader
from pipeline.ingest.archive import Archive
from pipeline.ingest.batch import FileBatch
from pipeline.ingest.changes import changes, landed_file
from pipeline.ingest.file_state import FileRecord, FileState, file_records, missing_record
from pipeline.ingest.identity import with_known_ids
from pipeline.ingest.landing import discovery, listed, planned
from pipeline.ingest.reader import FileOutcome
from pipeline.ingest.schema_log import SchemaLog
from pipeline.tables import Batch, Table, Written

if TYPE_CHECKING:
    from datetime import datetime

    from pyspark.sql import DataFrame

    from pipeline.flows.flow import Lakehouse
    from pipeline.graph import Node
    from pipeline.ingest.landing import LandedFile
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
        self._archive = Archive(self._folder, lakehouse.home.root / "archive" / source.path)
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
        missing = self._missing(batch, files)
        return self._ingest(files, batch, now, None, missing)

    def _ingest(
        self,
        files: list[LandedFile],
        batch: Batch,
        now: datetime,
        known: DataFrame | None,
        missing: list[FileRecord] | None = None,
    ) -> Progress:
        if not files:
            self._file_state.add(missing or [])
            return Progress(0, {self.node.name: Written()})
        if self.table.committed_batch(batch.flow_id) >= batch.batch_id:
            outcomes, added = self._recounted(files), dict[str, str]()
        else:
            reading = FileBatch(self._lakehouse.spark, self._source, self._schema_log, files)
            reading.write(lambda records: self._commit(records, batch, now, known), now)
            outcomes, added = reading.settled(), reading.added
        written = self.table.written_by(batch)
        records = file_records(files, outcomes, batch, self.position.flow_id(), now, self._lakehouse.clock.now())
        self._file_state.add([*records, *(missing or [])])
        return Progress(written.rows, {self.node.name: written}, facts=_facts(outcomes, added))

    def restore(self, path: str) -> bool:
        """Tell whether a file stands in the landing zone, brought back from the archive if it was there."""
        return self._archive.restore(path)

    def rows_of(self, paths: list[str], version: int) -> DataFrame:
        """Return the rows that some files had brought into the table, as of one of its versions."""
        reader = self._lakehouse.spark.read.format("delta").option("versionAsOf", str(version))
        return reader.load(str(self.table.path)).where(F.col("source_file").isin(paths))

    def take_again(self, paths: list[str], known: DataFrame, batch: Batch) -> Progress:
        """Read files once more; records that are among the known rows keep their `record_id`."""
        now = self._lakehouse.clock.now()
        files = sorted(
            (landed_file(path) for path in paths if os.path.lexists(path)),
            key=lambda file: (file.modified_at, file.path),
        )
        return self._ingest(files, batch, now, known)

    def files_to_retry(self, update_id: str, *, every_one: bool) -> list[str]:
        """Return the files to be read again: those set aside that changed, and overwritten ones where allowed.

        Other versions that are not to be read are put on record.

        Args:
            update_id: The update that finds them.
            every_one: Whether set-aside files are retried although they have not changed.
        """
        known = self._known_files()
        found = changes(known, self._folder, self._source)
        again = [change for change in found if change.known.state == "set aside" or self._source.allow_overwrites]
        now = self._lakehouse.clock.now()
        for change in found:
            if change not in again:
                self._file_state.add([change.record(now, self.position.flow_id(), update_id)])
        paths = [change.file.path for change in again]
        if every_one:
            paths += [path for path, file in known.items() if file.state == "set aside" and os.path.lexists(path)]
        return list(dict.fromkeys(paths))

    def named_files(self, names: set[str], since: datetime | None) -> list[str]:
        """Return the files read that bear one of the names or paths, or were committed since a moment."""
        return [
            path
            for path, file in self._known_files().items()
            if path in names
            or path.rsplit("/", 1)[-1] in names
            or (since is not None and file.committed_at is not None and file.committed_at >= since)
        ]

    def clean(self) -> int:
        """Archive or delete files as the source says, and return how many."""
        return self._archive.clean(self._source, self._known_files(), self._lakehouse.clock.now())

    def _known_files(self) -> dict[str, FileRecord]:
        return self._file_state.current(self.position.flow_id()) if self.position.exists else {}

    def check_reset(self, *, accept_loss: bool) -> None:
        """Check that a full refresh finds every file again.

        Raises:
            FilesGoneError: Some are gone for good, and that was not accepted.
        """
        gone = [path for path, file in self._known_files().items() if file.rows and not self._archive.has(path)]
        if gone and not accept_loss:
            raise FilesGoneError(self.node.name, gone, "Put them back, or add --accept-loss to go on without them.")

    def reset(self) -> dict[str, Written]:
        """Empty the table, so that every file of the landing zone and the archive is read again."""
        self._archive.restore_all()
        self.position.renew()
        return {self.node.name: self.table.empty(self._lakehouse.spark)}

    def _missing(self, batch: Batch, files: list[LandedFile]) -> list[FileRecord]:
        """Return records of files that the batch was planned with and that are gone."""
        there = {file.path for file in files}
        now = self._lakehouse.clock.now()
        return [
            missing_record(path, batch, now)
            for path in planned(self.position.checkpoint(), batch.batch_id)
            if path not in there and str(self._folder) == path.rsplit("/", 1)[0] and not os.path.lexists(path)
        ]

    def _commit(self, records: DataFrame, batch: Batch, now: datetime, known: DataFrame | None) -> None:
        stamped = records.select(
            F.concat(F.lit(f"{uuid.uuid4().hex[:16]}-"), F.lower(F.hex(F.monotonically_increasing_id()))).alias(
                "record_id"
            ),
            "*",
            F.expr(moment(now)).alias("ingestion_timestamp"),
        )
        if known is not None:
            stamped = with_known_ids(stamped, known)
        result = BatchReader(self._lakehouse, self.node, None, stamped).query()
        self.table.append(result, batch)

    def _recounted(self, files: list[LandedFile]) -> list[FileOutcome]:
        """Return what the committed rows say of each file; for a batch whose first run was cut short."""
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


def _facts(outcomes: list[FileOutcome], added: dict[str, str]) -> dict[str, object]:
    return {
        "num_files": len(outcomes),
        "num_corrupt_rows": sum(outcome.corrupt_rows for outcome in outcomes),
        "num_rescued_rows": sum(outcome.rescued_rows for outcome in outcomes),
        "num_files_set_aside": sum(outcome.error is not None for outcome in outcomes),
        "new_columns": added,
    }
