"""A batch of files as one frame, its schema evolved before a row is written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from py4j.protocol import Py4JJavaError
from pyspark.accumulators import AccumulatorParam
from pyspark.errors import PySparkException

from pipeline.ingest.evolution import NewKey, evolved, new_hints
from pipeline.ingest.landing import LandedFile
from pipeline.ingest.read_rows import RowsHere, RowsInWorkers
from pipeline.ingest.reader import FileOutcome, Plan, merged_keys, read_records, read_rows, rows_of
from pipeline.ingest.schema_log import HINTED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from pyspark.sql import DataFrame, SparkSession

    from pipeline.ingest.columns import Column
    from pipeline.ingest.schema_log import SchemaLog, SchemaVersion
    from pipeline.ingest.source import FilesSource

# Below this much compressed data a round through Spark's workers costs more than reading here.
DRIVER_BYTES = 4 * 1024**2
_DRIVER_FILES = 20_000
_SAMPLED_FILES = 8
_SAMPLED_RECORDS = 1_000
_UNEXPECTED_KEYS = "unexpected keys in a planned batch"


class FileBatch:
    """The files of one batch, read with one schema.

    Attributes:
        added: Columns that the batch's files brought, with the file that brought each.
    """

    def __init__(
        self, spark: SparkSession, source: FilesSource, schema_log: SchemaLog, files: list[LandedFile]
    ) -> None:
        self._spark = spark
        self._source = source
        self._schema_log = schema_log
        self._files = files
        self.added: dict[str, str] = {}
        self._settle: Callable[[], list[FileOutcome]] = list

    def write(self, commit: Callable[[RowsHere | RowsInWorkers], Any], now: datetime) -> None:
        """Hand the batch's rows to a function that commits them, once the schema fits every file.

        Args:
            commit: Takes the rows.
            now: When columns that are new are put on record.

        Raises:
            NewColumnsError: The source does not take new columns, and there is one.
        """
        version = self._version_in_force(now)
        small = (
            sum(file.size_bytes for file in self._files) <= DRIVER_BYTES
            and len(self._files) <= _DRIVER_FILES
            and not any(file.name.endswith(".gz") for file in self._files)
        )
        if small:
            commit(RowsHere(self._read_here(version, now), self._spark))
            return
        version = self._evolve(version, self._sampled(version), now)
        try:
            commit(self._read_in_workers(version))
        except (PySparkException, Py4JJavaError) as error:
            # A worker's own exception arrives inside the one of the write that it broke off.
            if _UNEXPECTED_KEYS not in str(error):
                raise
            version = self._evolve(version, self._observed_in_workers(version), now)
            commit(self._read_in_workers(version))

    def settled(self) -> list[FileOutcome]:
        """Return what reading each file gave, once the frame was written."""
        return self._settle()

    def _version_in_force(self, now: datetime) -> SchemaVersion:
        """Return the newest version, hints included that were given after it."""
        version = self._schema_log.latest()
        columns = version.columns if version else ()
        hinted = new_hints(self._source, columns, self._schema_log.taken_away())
        if version and not hinted:
            return version
        held_back = tuple(name for name in (version.held_back if version else ()) if name not in hinted)
        added = dict.fromkeys(hinted, HINTED)
        return self._schema_log.add((*columns, *hinted.values()), added, now, held_back)

    def _evolve(self, version: SchemaVersion, keys: dict[str, NewKey], now: datetime) -> SchemaVersion:
        added: dict[str, Column] = evolved(self._source, version, keys)
        if not added:
            return version
        brought_by = {name: keys[name].file for name in added}
        self.added |= brought_by
        columns = (*version.columns, *added.values())
        return self._schema_log.add(columns, brought_by, now, version.held_back)

    def _plan(self, version: SchemaVersion) -> Plan:
        return Plan(self._source, version.columns, version.held_back)

    def _read_here(self, version: SchemaVersion, now: datetime) -> pa.Table:
        plan = self._plan(version)
        outcomes = [FileOutcome(file.path) for file in self._files]
        self._settle = lambda: outcomes
        pairs = list(zip(self._files, outcomes, strict=True))
        records = [list(read_records(file.path, plan, outcome)) for file, outcome in pairs]
        plan = self._plan(self._evolve(version, merged_keys(outcomes), now))
        rows = [
            rows_of(chunk, file, plan, outcome)
            for (file, outcome), chunks in zip(pairs, records, strict=True)
            for chunk in chunks
        ]
        return pa.Table.from_batches(rows, schema=plan.arrow_schema()).combine_chunks()

    def _sampled(self, version: SchemaVersion) -> dict[str, NewKey]:
        """Return the new keys in the first records of some files, so that most batches are read once."""
        plan = self._plan(version)
        outcomes = []
        step = max(1, len(self._files) // _SAMPLED_FILES)
        for file in self._files[::step]:
            outcome = FileOutcome(file.path)
            outcomes.append(outcome)
            seen = 0
            for records in read_records(file.path, plan, outcome):
                seen += len(records)
                if seen >= _SAMPLED_RECORDS:
                    break
        return merged_keys(outcomes)

    def _file_frame(self) -> DataFrame:
        slots = 4 * self._spark.sparkContext.defaultParallelism
        largest_first = sorted(self._files, key=lambda file: file.size_bytes, reverse=True)
        shares = [largest_first[start::slots] for start in range(slots)]
        rows = [(json.dumps([_packed(file) for file in share]),) for share in shares if share]
        return self._spark.createDataFrame(rows, "files string").repartition(len(rows))

    def _read_in_workers(self, version: SchemaVersion) -> RowsInWorkers:
        plan = self._plan(version)
        outcomes = self._spark.sparkContext.accumulator([], _Collected())
        # Whoever computes rows twice has read the files twice.
        self._settle = lambda: list({outcome.path: outcome for outcome in outcomes.value}.values())

        def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for file in _unpacked(batches):
                outcome = FileOutcome(file.path)
                for rows in read_rows(file, plan, outcome):
                    if any(key.type for key in outcome.new_keys.values()):
                        raise RuntimeError(_UNEXPECTED_KEYS)
                    yield rows
                outcomes.add([outcome])

        return RowsInWorkers(self._file_frame(), read, plan.arrow_schema())

    def _observed_in_workers(self, version: SchemaVersion) -> dict[str, NewKey]:
        plan = self._plan(version)

        def observe(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for file in _unpacked(batches):
                outcome = FileOutcome(file.path)
                for _ in read_records(file.path, plan, outcome):
                    pass
                keys = [(file.path, name, key.type) for name, key in outcome.new_keys.items()]
                if keys:
                    yield pa.RecordBatch.from_arrays(
                        [pa.array(list(values), pa.string()) for values in zip(*keys, strict=True)],
                        names=["path", "name", "type"],
                    )

        rows = self._file_frame().mapInArrow(observe, "path string, name string, type string").collect()
        order = {file.path: index for index, file in enumerate(self._files)}
        outcomes = [
            FileOutcome(row["path"], new_keys={row["name"]: NewKey(row["type"], row["path"])})
            for row in sorted(rows, key=lambda row: order[row["path"]])
        ]
        return merged_keys(outcomes)


class _Collected(AccumulatorParam[list[FileOutcome]]):
    """Lists that workers send back, put end to end."""

    def zero(self, value: list[FileOutcome]) -> list[FileOutcome]:
        del value
        return []

    def addInPlace(self, value1: list[FileOutcome], value2: list[FileOutcome]) -> list[FileOutcome]:  # noqa: N802
        return value1 + value2


def _packed(file: LandedFile) -> list[Any]:
    return [file.path, file.size_bytes, file.modified_at.isoformat(), file.status_changed_at.isoformat()]


def _unpacked(batches: Iterator[pa.RecordBatch]) -> Iterator[LandedFile]:
    from datetime import datetime  # noqa: PLC0415 - for parsing alone; nothing here asks for the time

    for batch in batches:
        for packed in batch.column(0).to_pylist():
            for path, size, *moments in json.loads(packed):
                yield LandedFile(path, size, *(datetime.fromisoformat(moment) for moment in moments))
