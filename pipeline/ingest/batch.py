"""A batch of files as rows, its schema evolved before a row is written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.delta.rows import Held
from pipeline.ingest.evolution import evolved, new_hints
from pipeline.ingest.reader import (
    FileOutcome,
    Plan,
    is_compressed_file,
    merged_keys,
    read_pieces,
    read_through,
    rows_of,
)
from pipeline.ingest.schema_log import HINTED
from pipeline.ingest.spark_files import SparkFiles, read_through_by_spark
from pipeline.ingest.workers import read_in_workers
from pipeline.records.formats import FORMATS

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from pipeline.declare.files_source import FilesSource
    from pipeline.delta.write.files import DataFiles
    from pipeline.foundation.limits import Limits
    from pipeline.ingest.evolution import NewKey
    from pipeline.ingest.landing import LandedFile
    from pipeline.ingest.schema_log import SchemaLog, SchemaVersion
    from pipeline.ingest.stamp import Stamp
    from pipeline.records.columns import Column


@dataclass(frozen=True)
class BatchOfRows:
    """What reading a batch of files gave.

    Attributes:
        rows: The stamped records: in memory, or in files that no commit has taken in yet.
        outcomes: What reading each file gave.
        new_columns: Columns that the files brought, with the file that brought each.
    """

    rows: Held | DataFiles
    outcomes: list[FileOutcome]
    new_columns: dict[str, str]


class FileBatch:
    """The files of one batch, to be read with one schema.

    Small batches are read in the driver, others by Spark's workers, which write their rows into a folder at once. So
    are files that Spark's own readers read.
    """

    def __init__(
        self,
        spark: SparkSession,
        limits: Limits,
        source: FilesSource,
        schema_log: SchemaLog,
        files: list[LandedFile],
        folder: str,
    ) -> None:
        self._spark = spark
        self._limits = limits
        self._source = source
        self._schema_log = schema_log
        self._files = files
        self._folder = folder

    def read(self, stamp: Stamp, folder: Path) -> BatchOfRows:
        """Return the rows of all files, once the newest version of the schema has every column they bring.

        Args:
            stamp: What each record is given; its moment is when new columns are put on record.
            folder: Where workers write rows; files that are left there without a commit are Delta's to vacuum.

        Raises:
            NewColumnsError: The source does not take new columns, and there is one.
        """
        reading = _Reading(self._source, self._schema_log, stamp, self._folder)
        if FORMATS[self._source.format].is_read_by_spark:
            return self._read_by_spark(reading, folder)
        return self._read_here(reading) if self._is_small() else self._read_in_workers(reading, folder)

    def _is_small(self) -> bool:
        size = sum(file.size_bytes for file in self._files)
        is_large = size > self._limits.driver_bytes or len(self._files) > self._limits.driver_files
        return not (is_large or any(is_compressed_file(file.path, self._folder) for file in self._files))

    def _read_here(self, reading: _Reading) -> BatchOfRows:
        outcomes = [FileOutcome(file.path) for file in self._files]
        read = [list(read_pieces(outcome.path, reading.plan, outcome)) for outcome in outcomes]
        reading.evolve(merged_keys(outcomes))
        plan, stamp = reading.plan, reading.stamp
        batches = (
            rows_of(piece, file, plan, outcome)
            for file, outcome, pieces in zip(self._files, outcomes, read, strict=True)
            for piece in pieces
        )
        rows = pa.Table.from_batches(stamp.on_batches(batches), schema=stamp.columns(plan.arrow_schema()))
        rows = rows.combine_chunks()
        return BatchOfRows(Held.of(rows, self._spark), outcomes, reading.new_columns)

    def _read_in_workers(self, reading: _Reading, folder: Path) -> BatchOfRows:
        stamp = reading.stamp
        plan = reading.plan_with(self._sampled(reading.plan))
        rows, outcomes = read_in_workers(self._spark, self._files, plan, stamp, folder)
        reading.evolve(merged_keys(outcomes))
        is_complete = all(plan.holds(outcome.new_keys) for outcome in outcomes)
        if not is_complete or set(reading.plan.columns) != set(plan.columns):
            # Some rows were written without a column that others need, or with one that does not hold all values.
            rows.discard()
            rows, outcomes = read_in_workers(self._spark, self._files, reading.plan, stamp, folder)
        rows = replace(rows, schema=stamp.columns(reading.plan.arrow_schema()))
        return BatchOfRows(rows, outcomes, reading.new_columns)

    def _read_by_spark(self, reading: _Reading, folder: Path) -> BatchOfRows:
        files = SparkFiles(self._spark, reading.plan, self._files)
        reading.evolve(merged_keys(files.outcomes))
        rows = files.read(reading.plan, reading.stamp, folder)
        return BatchOfRows(rows, files.outcomes, reading.new_columns)

    def _sampled(self, plan: Plan) -> dict[str, NewKey]:
        """Return the new keys in the first records of some files, so that most batches are read once."""
        outcomes = []
        step = max(1, len(self._files) // self._limits.sampled_files)
        for file in self._files[::step]:
            outcome = FileOutcome(file.path)
            outcomes.append(outcome)
            seen = 0
            for piece in read_pieces(file.path, plan, outcome, self._limits.driver_bytes):
                seen += len(piece)
                if seen >= self._limits.sampled_records:
                    break
        return merged_keys(outcomes)


def all_read_through(spark: SparkSession, outcomes: list[FileOutcome], plan: Plan) -> list[FileOutcome]:
    """Return outcomes with each file's digest, or with the reason why it cannot be read to its end."""
    if FORMATS[plan.source.format].is_read_by_spark:
        return [read_through_by_spark(spark, outcome, plan) for outcome in outcomes]
    return [read_through(outcome, plan) for outcome in outcomes]


def facts_of(outcomes: list[FileOutcome], added: dict[str, str]) -> dict[str, object]:
    """Return a batch's figures for its event."""
    return {
        "num_files": len(outcomes),
        "num_corrupt_rows": sum(outcome.corrupt_rows for outcome in outcomes),
        "num_rescued_rows": sum(outcome.rescued_rows for outcome in outcomes),
        "num_files_set_aside": sum(outcome.error is not None for outcome in outcomes),
        "new_columns": added,
    }


class _Reading:
    """How a batch is read, while its schema evolves."""

    def __init__(self, source: FilesSource, schema_log: SchemaLog, stamp: Stamp, folder: str) -> None:
        self.stamp = stamp
        self.new_columns: dict[str, str] = {}
        self._source = source
        self._schema_log = schema_log
        self._folder = folder
        self._version = self._version_with_hints()

    @property
    def plan(self) -> Plan:
        return Plan(self._source, self._version.columns, self._version.held_back, self._folder)

    def plan_with(self, keys: dict[str, NewKey]) -> Plan:
        """Return the plan with the columns that some keys would become; they are not on record."""
        added: dict[str, Column] = evolved(self._source, self._version, keys)
        columns = (*self._version.columns, *added.values())
        return replace(self.plan, columns=columns, assumed={name: keys[name].kind for name in added})

    def evolve(self, keys: dict[str, NewKey]) -> None:
        """Make columns of the keys that may become some."""
        added: dict[str, Column] = evolved(self._source, self._version, keys)
        if not added:
            return
        brought_by = {name: keys[name].file for name in added}
        self.new_columns |= brought_by
        columns = (*self._version.columns, *added.values())
        self._version = self._schema_log.add(columns, brought_by, self.stamp.moment, self._version.held_back)

    def _version_with_hints(self) -> SchemaVersion:
        """Return the newest version, including hints that were given after it."""
        version = self._schema_log.latest()
        columns = version.columns if version else ()
        hinted = new_hints(self._source, columns, self._schema_log.taken_away())
        if version and not hinted:
            return version
        held_back = tuple(name for name in (version.held_back if version else ()) if name not in hinted)
        added = dict.fromkeys(hinted, HINTED)
        return self._schema_log.add((*columns, *hinted.values()), added, self.stamp.moment, held_back)
