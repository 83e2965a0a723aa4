"""The stream of a table's new rows, for the flows that read the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline.delta.decoded_size import encoded_bytes
from pipeline.delta.reading import hadoop_path
from pipeline.foundation.sql_names import quoted

if TYPE_CHECKING:
    from collections.abc import Collection

    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from pipeline.checkpoint.position import Position
    from pipeline.delta.table import Table


def new_rows(
    spark: SparkSession,
    table: Table,
    position: Position,
    option: str,
    *,
    columns: StructType,
    number: int = 0,
    most_files: int | None = None,
) -> DataFrame:
    """Return the stream of rows that a flow has not read yet.

    A flow that begins reads what the table holds. Delta computes the table's whole state for that, which takes
    seconds; where the log holds nothing but added rows, reading it from its first commit gives the same rows.
    A stream that goes on after its first batch looks that batch up once more, in the same way.

    A table that nothing has filled yet gives a stream without rows, which has its place in the checkpoint.

    Args:
        spark: The session that reads.
        table: What is read.
        position: Where the flow stands.
        option: The option that tells Delta what to do with commits that took rows away.
        columns: The columns of a table that nothing has filled yet.
        number: Which of the flow's sources this is.
        most_files: How many files a batch takes at most; by default as many as Delta thinks right.
    """
    if not table.exists:
        folder = position.checkpoint() / "no-rows"
        folder.mkdir(parents=True, exist_ok=True)
        return spark.readStream.schema(columns).parquet(hadoop_path(folder))
    reader = spark.readStream.format("delta").option(option, "true")
    if most_files is not None:
        reader = reader.option("maxFilesPerTrigger", str(most_files))
    if position.done_batch() <= 0 and begins_with_the_log(table, position, number):
        reader = reader.option("startingVersion", "0")
    return reader.load(str(table.path))


def without_values(rows: DataFrame, columns: Collection[str]) -> DataFrame:
    """Return rows with NULL in all but some columns: files are read for those alone.

    Spark reads every column of a stream, because it cannot look into what is done with a batch of it.
    """
    return rows.select(
        *(
            F.col(quoted(field.name)) if field.name in columns else F.lit(None).cast(field.dataType).alias(field.name)
            for field in rows.schema
        )
    )


def has_few_rows(table: Table, position: Position, batch_id: int) -> bool:
    """Return whether a batch has few rows, which take little memory: at most those added since the batch before.

    Args:
        table: What the flow reads.
        position: Where the flow stands.
        batch_id: The batch.
    """
    begun = position.offsets(batch_id - 1)
    version = int(begun[0].get("reservoirVersion", 0)) if begun else 0
    rows = table.log.rows_since(version)
    if rows is None or rows > table.limits.few_rows:
        return False
    try:
        return encoded_bytes(table.log.files_since(version)) <= table.limits.few_bytes
    except OSError:
        # Spark reports which file is gone.
        return False


def begins_with_the_log(table: Table, position: Position, number: int) -> bool:
    """Return whether a flow that has finished at most one batch may read a table from its first commit."""
    # The end of the first batch, if it was fixed.
    begun = dict(enumerate(position.offsets(0))).get(number, {})
    if begun.get("isStartingVersion"):
        # An earlier run began with the table's state and was cut short in the middle.
        return False
    return table.log.has_only_grown() or begun.get("reservoirVersion") == 0


def next_versions(offsets: list[dict[str, Any]]) -> list[int]:
    """Return, for each end of a batch in a table, the version of the table that the next batch begins with."""
    versions = []
    for offset in offsets:
        # An index says that the batch ends within the version, after that file of it; -1 means before its first.
        is_within = offset.get("index", -1) >= 0
        versions.append(int(offset.get("reservoirVersion", 0)) + is_within)
    return versions
