"""Files read by Spark's workers, each of which writes the rows of its files at once."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyspark import TaskContext

from pipeline.delta.write.files import DataFile, DataFiles, Share, ShareWriter
from pipeline.ingest.evolution import NewKey
from pipeline.ingest.landing import LandedFile
from pipeline.ingest.reader import FileOutcome, Plan, read_pieces, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

    from pipeline.ingest.stamp import Stamp

_TASKS_PER_CORE = 4


def read_in_workers(
    spark: SparkSession, files: list[LandedFile], plan: Plan, stamp: Stamp, folder: Path
) -> tuple[DataFiles, list[FileOutcome]]:
    """Have workers read files and write their rows, stamped, and return what was written and each file's outcome.

    The outcomes have every key that could become a column, in the order of the files. Where there is one, the rows
    are incomplete: the worker that met it wrote no more. Files of an attempt that fails stay behind without a commit.

    Args:
        spark: The session whose workers read.
        files: What they read.
        plan: How they read it.
        stamp: What each record is given.
        folder: Where they write.
    """
    share = Share(folder, stamp.columns(plan.arrow_schema()))
    folder.mkdir(parents=True, exist_ok=True)

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        written, outcomes = _read_and_write(_unpacked(batches), plan, stamp, share)
        result = json.dumps([[vars(file) for file in written], [asdict(outcome) for outcome in outcomes]])
        yield pa.RecordBatch.from_pydict({"result": [result]})

    written: list[DataFile] = []
    outcomes: dict[str, FileOutcome] = {}
    for row in _shares(spark, files).mapInArrow(read, "result string").collect():
        data_files, read_files = json.loads(row["result"])
        written += [DataFile(**file) for file in data_files]
        outcomes |= {item["path"]: _outcome(item) for item in read_files}
    return DataFiles(share.folder, share.schema, tuple(written)), [outcomes[file.path] for file in files]


def _read_and_write(
    files: Iterator[LandedFile], plan: Plan, stamp: Stamp, share: Share
) -> tuple[list[DataFile], list[FileOutcome]]:
    task = TaskContext.get()
    assert task is not None
    writer = ShareWriter(share)
    outcomes: list[FileOutcome] = []

    def rows() -> Iterator[pa.RecordBatch]:
        is_incomplete = False
        for file in files:
            outcome = FileOutcome(file.path)
            outcomes.append(outcome)
            for piece in read_pieces(file.path, plan, outcome):
                is_incomplete = is_incomplete or not plan.holds(outcome.new_keys)
                if not is_incomplete:
                    yield rows_of(piece, file, plan, outcome)

    for batch in stamp.on_batches(rows(), task.partitionId()):
        writer.add(batch)
    return writer.finished(), outcomes


def _shares(spark: SparkSession, files: list[LandedFile]) -> DataFrame:
    """Return the files in parts of about the same size, one row and one task for each part."""
    tasks = _TASKS_PER_CORE * spark.sparkContext.defaultParallelism
    largest_first = sorted(files, key=lambda file: file.size_bytes, reverse=True)
    shares = [largest_first[start::tasks] for start in range(tasks)]
    rows = [(json.dumps([_packed(file) for file in share]),) for share in shares if share]
    return spark.createDataFrame(rows, "files string").repartition(len(rows))


def _packed(file: LandedFile) -> list[Any]:
    return [file.path, file.size_bytes, file.modified_at.isoformat(), file.status_changed_at.isoformat()]


def _unpacked(batches: Iterator[pa.RecordBatch]) -> Iterator[LandedFile]:
    for batch in batches:
        for packed in batch.column(0).to_pylist():
            for path, size, *moments in json.loads(packed):
                yield LandedFile(path, size, *(datetime.fromisoformat(moment) for moment in moments))


def _outcome(item: dict[str, Any]) -> FileOutcome:
    new_keys = {name: NewKey(**key) for name, key in item["new_keys"].items()}
    return FileOutcome(**{**item, "new_keys": new_keys})
