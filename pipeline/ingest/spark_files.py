"""Files that Spark's own readers read, each of which says what its columns are."""

from __future__ import annotations

import errno
import io
import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.compute as pc
from py4j.protocol import Py4JJavaError
from pyspark import TaskContext
from pyspark.errors import PySparkException

from pipeline.delta.write.files import DataFile, DataFiles, Share, ShareWriter
from pipeline.foundation.fault_points import FaultPoint, reach
from pipeline.ingest.digest import open_file
from pipeline.ingest.reader import READ_ERRORS, FileOutcome, Plan, described, note_keys, note_new_keys, rows_of
from pipeline.ingest.spark_values import as_records, as_rows, kinds_in, stored_columns
from pipeline.records.compression import decompressed
from pipeline.records.xml import check_xml
from pipeline.spark.faults import reason_of_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from pipeline.ingest.landing import LandedFile
    from pipeline.ingest.stamp import Stamp

_ERRORS = (PySparkException, Py4JJavaError)
# Hadoop takes a path with one of these for a pattern.
_PATTERN = re.compile(r"[{}\[\]*?\\]")
# Where Spark would put broken elements; an element called `_corrupt_record` would be lost there.
_NO_ELEMENT = " "
_LOOKS_AT_ONCE = 8
# No job has more tasks.
_PARTS_OF_A_JOB = 1_000_000


class SparkFiles:
    """The files of one batch, each with the columns that it has by itself.

    Attributes:
        outcomes: What is known of each file: its digest, its new keys, or why it cannot be read.
    """

    def __init__(self, spark: SparkSession, plan: Plan, files: list[LandedFile]) -> None:
        self._spark = spark
        self._files = {file.path: file for file in files}
        self.outcomes = [FileOutcome(file.path) for file in files]
        self._identities = {file.path: _identity(file.path, plan.folder) for file in files}
        with ThreadPoolExecutor(_LOOKS_AT_ONCE) as pool:
            schemas = pool.map(lambda outcome: _look(spark, outcome, plan), self.outcomes)
        self._schemas = dict(zip(self._files, schemas, strict=True))

    def read(self, plan: Plan, stamp: Stamp, folder: Path) -> DataFiles:
        """Have workers write the rows of all files, and return what was written.

        A file that Spark cannot read to its end brings no rows, and its outcome says why.

        Args:
            plan: The columns.
            stamp: What each record is given.
            folder: Where they write.

        Raises:
            Exception: That of Spark, where the machine failed, not a file.
        """
        share = Share(folder, stamp.columns(plan.arrow_schema()))
        folder.mkdir(parents=True, exist_ok=True)
        # Files with the same columns are read together. Beside a path like a pattern, Spark would read others twice.
        groups: dict[tuple[str, str], list[FileOutcome]] = {}
        for outcome in self.outcomes:
            schema = self._schemas[outcome.path]
            if schema is not None:
                alone = outcome.path if _PATTERN.search(outcome.path) else ""
                groups.setdefault((schema.json(), alone), []).append(outcome)
        written: list[DataFile] = []
        jobs = [*groups.values()]
        number = 0
        while jobs:
            job = jobs.pop()
            number += 1
            try:
                found = self._read_job(job, plan, stamp, share, number * _PARTS_OF_A_JOB)
                # Spark opens paths by itself: its rows count if what was there before and afterwards is the same file.
                unlike = [each for each in job if _identity(each.path, plan.folder) != self._identities[each.path]]
                for outcome in unlike:
                    outcome.error, outcome.sha256 = "another file took its place while Spark read it", None
                    outcome.rows = outcome.corrupt_rows = outcome.rescued_rows = 0
                if not unlike:
                    written += found
                elif len(unlike) < len(job):
                    jobs.append([each for each in job if each not in unlike])
            except _ERRORS as error:
                reason = reason_of_file(error)
                if len(job) == 1:
                    job[0].error, job[0].sha256 = reason, None
                else:
                    half = len(job) // 2
                    jobs += [job[:half], job[half:]]
        return DataFiles(share.folder, share.schema, tuple(written))

    def _read_job(
        self, outcomes: list[FileOutcome], plan: Plan, stamp: Stamp, share: Share, first_part: int
    ) -> list[DataFile]:
        schema = self._schemas[outcomes[0].path]
        frame = _frame_of(self._spark, plan, [outcome.path for outcome in outcomes], schema)
        rows = frame.select(*stored_columns(frame), frame.metadataColumn("_metadata"))
        files = {outcome.path: self._files[outcome.path] for outcome in outcomes}

        def write(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            written, counted = _write(batches, files, plan, stamp, share, first_part)
            yield pa.RecordBatch.from_pydict({"result": [json.dumps([[vars(file) for file in written], counted])]})

        written: list[DataFile] = []
        counts: dict[str, list[int]] = {path: [0, 0, 0] for path in files}
        for row in rows.mapInArrow(write, "result string").collect():
            data_files, counted = json.loads(row["result"])
            written += [DataFile(**file) for file in data_files]
            for path, numbers in counted.items():
                counts[path] = [sum(pair) for pair in zip(counts[path], numbers, strict=True)]
        for outcome in outcomes:
            outcome.rows, outcome.corrupt_rows, outcome.rescued_rows = counts[outcome.path]
        return written


def read_through_by_spark(spark: SparkSession, outcome: FileOutcome, plan: Plan) -> FileOutcome:
    """Return an outcome with the file's digest, or with the reason why Spark cannot read it to its end."""
    again = FileOutcome(outcome.path)
    schema = _look(spark, again, plan)
    if schema is not None:
        try:
            _frame_of(spark, plan, [outcome.path], schema).write.format("noop").mode("overwrite").save()
        except _ERRORS as error:
            again.error, again.sha256 = reason_of_file(error), None
    return replace(outcome, sha256=again.sha256, error=again.error)


def _look(spark: SparkSession, outcome: FileOutcome, plan: Plan) -> StructType | None:
    """Return a file's columns, or None where it cannot be read; what is found is noted in the outcome."""
    try:
        with open_file(outcome.path, plan.folder) as file:
            size, most = file.identity()[0], plan.source.max_record_bytes
            if plan.source.format == "binaryFile" and size > most:
                raise OSError(errno.EFBIG, f"{size} bytes, more than max_record_bytes ({most})")
            sha256 = file.sha256()
        if plan.source.format == "xml":
            with open_file(outcome.path, plan.folder) as file:
                check_xml(decompressed(io.BufferedReader(file), outcome.path), plan.source.row_tag, most)
        if ":" in outcome.path.rpartition("/")[2]:
            raise OSError(errno.EINVAL, "Spark cannot open a file with a colon in its name; rename the file")
        frame = _frame_of(spark, plan, [outcome.path])
        if plan.evolves and plan.source.format == "xml":
            _note_texts(frame, outcome, plan)
        elif plan.evolves:
            note_new_keys(kinds_in(frame.schema, plan.source.infer_column_types), plan, outcome)
    except READ_ERRORS as error:
        outcome.error = described(error)
        return None
    except _ERRORS as error:
        outcome.error = reason_of_file(error)
        return None
    outcome.sha256 = sha256
    return frame.schema


def _identity(path: str, folder: str) -> tuple[int, ...] | None:
    """Return what changes when something else takes a file's place, or None where it must not be read."""
    try:
        with open_file(path, folder) as file:
            return file.identity()
    except OSError:
        return None


def _note_texts(frame: DataFrame, outcome: FileOutcome, plan: Plan) -> None:
    """Note the new keys of a file whose values are texts, which may spell numbers."""
    path = outcome.path

    def note(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        found = FileOutcome(path)
        for batch in batches:
            note_keys(as_records(batch), plan, found)
        keys = {name: key.kind for name, key in found.new_keys.items()}
        yield pa.RecordBatch.from_pydict({"result": [json.dumps(keys)]})

    for row in frame.mapInArrow(note, "result string").collect():
        note_new_keys(json.loads(row["result"]), plan, outcome)


def _frame_of(spark: SparkSession, plan: Plan, paths: list[str], schema: StructType | None = None) -> DataFrame:
    """Return the rows of files as Spark reads them, with the columns that they have or with some given ones."""
    # A `*` in a name stands for itself.
    reader = spark.read.format(plan.source.format).option("__globPaths__", "false")
    if plan.source.format == "xml":
        # Values stay texts, with the digits that they were sent with. The first broken element ends what can be read.
        reader = reader.options(rowTag=plan.source.row_tag, inferSchema="false", mode="FAILFAST")
        reader = reader.option("columnNameOfCorruptRecord", _NO_ELEMENT)
    if schema is not None:
        reader = reader.schema(schema)
    return reader.load(paths)


def _write(
    batches: Iterator[pa.RecordBatch],
    files: dict[str, LandedFile],
    plan: Plan,
    stamp: Stamp,
    share: Share,
    first_part: int,
) -> tuple[list[DataFile], dict[str, list[int]]]:
    task = TaskContext.get()
    assert task is not None
    writer = ShareWriter(share)
    outcomes: dict[str, FileOutcome] = {}

    def rows() -> Iterator[pa.RecordBatch]:
        for batch in batches:
            # The last column says which file each row is from.
            addresses, read = (
                pc.struct_field(batch.columns[-1], "file_path"),
                batch.select(range(batch.num_columns - 1)),
            )
            for address in pc.unique(addresses).to_pylist():
                reach(FaultPoint.PARSE)
                path = unquote(urlsplit(address).path)
                of_file = read.filter(pc.equal(addresses, address))
                piece = as_records(of_file) if plan.source.format == "xml" else as_rows(of_file, plan, path)
                yield rows_of(piece, files[path], plan, outcomes.setdefault(path, FileOutcome(path)))

    for stamped in stamp.on_batches(rows(), first_part + task.partitionId()):
        writer.add(stamped)
    counted = {path: [each.rows, each.corrupt_rows, each.rescued_rows] for path, each in outcomes.items()}
    return writer.finished(), counted
