"""The columns of files that no batch has read yet."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline.ingest.evolution import evolved, new_hints
from pipeline.ingest.landing import present
from pipeline.ingest.listing import listed_paths
from pipeline.ingest.reader import FileOutcome, Plan, merged_keys, read_pieces
from pipeline.ingest.schema_log import SchemaVersion
from pipeline.ingest.spark_files import SparkFiles
from pipeline.records.formats import FORMATS

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from pipeline.declare.files_source import FilesSource
    from pipeline.foundation.limits import Limits
    from pipeline.ingest.landing import LandedFile
    from pipeline.records.columns import Column

_MOST_FILES = 1000
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def sampled_columns(
    spark: SparkSession, limits: Limits, source: FilesSource, folder: Path, known: tuple[Column, ...] = ()
) -> tuple[Column, ...]:
    """Return the columns that a source's files have, as far as a sample shows; nothing is recorded.

    Args:
        spark: Reads files that Spark's own readers read.
        limits: How many files are sampled, and how many records of each.
        source: How the files become rows.
        folder: Where they are.
        known: Columns that are on record; they come first.
    """
    columns = (*known, *new_hints(source, known).values())
    files = present(listed_paths(folder, source))[:_MOST_FILES] if folder.is_dir() else []
    plan = Plan(source, columns, (), str(folder))
    if FORMATS[source.format].is_read_by_spark:
        outcomes = SparkFiles(spark, plan, files[: limits.sampled_files]).outcomes
    else:
        outcomes = [_sampled(file, plan, limits) for file in _spread(files, limits.sampled_files)]
    version = SchemaVersion(0, columns, {}, _BEGINNING)
    return (*columns, *evolved(source, version, merged_keys(outcomes)).values())


def _spread(files: list[LandedFile], most: int) -> list[LandedFile]:
    """Return some of the files, from the oldest to the newest."""
    if len(files) <= most:
        return files
    return [files[index * (len(files) - 1) // (most - 1)] for index in range(most)]


def _sampled(file: LandedFile, plan: Plan, limits: Limits) -> FileOutcome:
    outcome = FileOutcome(file.path)
    seen = 0
    for piece in read_pieces(file.path, plan, outcome):
        seen += len(piece)
        if seen >= limits.sampled_records:
            break
    return outcome
