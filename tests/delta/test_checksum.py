"""The checksums of versions that deltalake has made, as Spark takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from deltalake import DeltaTable

from pipeline.delta.batch import Batch
from pipeline.delta.checksum import write_checksum
from pipeline.delta.rows import SparkRows
from pipeline.delta.table import Table

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark


def append(table: Table, spark: SparkSession, number: int, columns: str = "number INT") -> None:
    rows = spark.createDataFrame([(number, "B")[: columns.count(",") + 1]], columns)
    table.append(SparkRows(rows, 1), Batch("an update", "orders", "f1", number))


def snapshot(spark: SparkSession, table: Table) -> Any:
    java: Any = spark._jvm
    java.org.apache.spark.sql.delta.DeltaLog.clearCache()
    log = java.org.apache.spark.sql.delta.DeltaLog.forTable(spark._jsparkSession, str(table.path))
    return log.unsafeVolatileSnapshot()


def told(spark: SparkSession, table: Table) -> dict[str, Any]:
    """Return the checksum of a table's newest version, as Spark reads it."""
    return as_dict(snapshot(spark, table).checksumOpt().get())


def computed(spark: SparkSession, table: Table) -> dict[str, Any]:
    """Return what Spark finds in the log of a table's newest version, without its checksum."""
    table.log.file(table.version()).with_suffix(".crc").unlink()
    return as_dict(snapshot(spark, table).computeChecksum())


def as_dict(checksum: Any) -> dict[str, Any]:
    metadata, protocol = checksum.metadata(), checksum.protocol()
    return {
        "files": (checksum.numFiles(), checksum.tableSizeBytes()),
        "metadata": (metadata.id(), metadata.schemaString(), metadata.configuration().toString()),
        "columns": metadata.partitionColumns().toString(),
        "protocol": (protocol.minReaderVersion(), protocol.minWriterVersion()),
        "actions": (checksum.numMetadata(), checksum.numProtocol()),
    }


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return Table(tmp_path / "a home, 100 % ü" / "orders")


def test_checksum_says_of_a_version_what_spark_finds_in_its_log(spark: SparkSession, table: Table) -> None:
    append(table, spark, 0)
    append(table, spark, 1)
    assert told(spark, table) == computed(spark, table)
    append(table, spark, 2, "number INT, line STRING")
    assert "line" in told(spark, table)["metadata"][1]
    assert told(spark, table) == computed(spark, table)
    DeltaTable(table.path).optimize.compact()
    table.append(SparkRows(spark.createDataFrame([], "number INT"), 0), Batch("an update", "orders", "f1", 3))
    assert told(spark, table) == computed(spark, table)


def test_version_with_a_checksum_is_opened_by_spark_without_a_job(spark: SparkSession, table: Table) -> None:
    def jobs() -> int:
        spark.sparkContext.setJobGroup(str(table.version()), "opening")
        spark.readStream.format("delta").load(str(table.path))
        return len(spark.sparkContext.statusTracker().getJobIdsForGroup(str(table.version())))

    append(table, spark, 0)
    assert jobs() == 0
    append(table, spark, 1)
    table.log.file(1).with_suffix(".crc").unlink()
    assert jobs() > 0
    append(table, spark, 2)
    assert jobs() == 0


def test_checksum_that_spark_has_written_stays(spark: SparkSession, table: Table) -> None:
    table.append(SparkRows(spark.range(1)), Batch("an update", "orders", "f1", 0))
    before = table.log.file(0).with_suffix(".crc").read_bytes()
    write_checksum(DeltaTable(table.path))
    assert table.log.file(0).with_suffix(".crc").read_bytes() == before


def test_table_whose_columns_stand_nowhere_any_more_gets_no_checksum(spark: SparkSession, table: Table) -> None:
    append(table, spark, 0)
    append(table, spark, 1)
    DeltaTable(table.path).create_checkpoint()
    for file in (table.path / "_delta_log").glob("*.crc"):
        file.unlink()
    table.log.file(0).unlink()
    append(table, spark, 2)
    assert not list((table.path / "_delta_log").glob("*.crc"))
    assert sorted(row.number for row in table.read(spark).collect()) == [0, 1, 2]


def test_table_with_features_gets_no_checksum(spark: SparkSession, table: Table) -> None:
    spark.range(1).write.format("delta").option("delta.enableDeletionVectors", "true").save(str(table.path))
    checksum = table.log.file(0).with_suffix(".crc")
    before = checksum.read_bytes()
    write_checksum(DeltaTable(table.path))
    assert checksum.read_bytes() == before
