"""Rows that Spark's workers write in one pass, before any table knows of them."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from pyarrow import parquet
from pyspark.errors import PySparkException
from pyspark.sql import functions as F  # noqa: N812

from pipeline.delta.schema import arrow_schema
from pipeline.delta.write import workers as file_pass
from pipeline.delta.write.files import Share
from pipeline.delta.write.workers import write_files
from pipeline.foundation.errors import EnvironmentFaultError
from pipeline.foundation.limits import DEFAULT_LIMITS, Limits
from pipeline.spark.faults import readable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

    from pipeline.delta.write.files import DataFiles

pytestmark = pytest.mark.spark

BATCH_BYTES = "spark.sql.execution.arrow.maxBytesPerBatch"


def written(rows: DataFrame, folder: Path, limits: Limits = DEFAULT_LIMITS) -> DataFiles:
    (files,) = write_files(rows, [Share(folder, arrow_schema(rows.schema))], limits)
    return files


def held(files: DataFiles) -> list[dict[str, Any]]:
    return [row for file in files.files for row in parquet.read_table(files.folder / file.name).to_pylist()]


def even(rows: pa.RecordBatch) -> pa.RecordBatch:
    return rows.filter(pa.array([number % 2 == 0 for number in rows["id"].to_pylist()]))


def odd_names(rows: pa.RecordBatch) -> pa.RecordBatch:
    kept = rows.filter(pa.array([number % 2 == 1 for number in rows["id"].to_pylist()]))
    return pa.RecordBatch.from_arrays([kept["name"]], names=["name"])


def test_rows_are_shared_out_between_folders_in_one_pass(spark: SparkSession, tmp_path: Path) -> None:
    computed = spark.sparkContext.accumulator(0)

    def counted(batches: Any) -> Any:
        for batch in batches:
            computed.add(batch.num_rows)
            yield batch

    rows = (
        spark.range(5)
        .select("id", F.concat(F.lit("n"), F.col("id")).alias("name"))
        .mapInArrow(counted, "id long, name string")
    )
    schema = arrow_schema(rows.schema)
    shares = [Share(tmp_path / "even", schema, even), Share(tmp_path / "odd", schema.remove(0), odd_names)]
    first, second = write_files(rows, shares, DEFAULT_LIMITS)
    assert sorted(row["id"] for row in held(first)) == [0, 2, 4]
    assert sorted(row["name"] for row in held(second)) == ["n1", "n3"]
    assert (first.row_count, second.row_count, computed.value) == (3, 2, 5)
    assert {file.name for file in first.files} == {file.name for file in (tmp_path / "even").iterdir()}
    assert {file.name: file.size_bytes for file in first.files} == {
        file.name: file.stat().st_size for file in (tmp_path / "even").iterdir()
    }
    second.discard()
    assert list((tmp_path / "odd").iterdir()) == []


@pytest.mark.parametrize(
    ("column", "of"),
    [
        pytest.param("text STRING", str, id="text"),
        pytest.param("texts ARRAY<STRING>", lambda text: [text, None], id="texts"),
        pytest.param("nested STRUCT<text: STRING>", lambda text: (text,), id="text_in_a_struct"),
        pytest.param("`a.b` BINARY", str.encode, id="bytes"),
    ],
)
def test_wide_rows_are_written_beside_the_others_in_batches_that_fit_into_memory(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, column: str, of: Callable[[str], Any]
) -> None:
    before = spark.conf.get(BATCH_BYTES)
    texts = ["short", "w" * 101, "é" * 50, "é" * 51, ""]
    sent = [*((number, of(text)) for number, text in enumerate(texts)), (5, None)]
    rows = spark.createDataFrame(sent, f"id INT, {column}")
    asked: list[str | None] = []
    write = file_pass.write_from_workers

    def noted(frame: DataFrame, *given: Any) -> Any:
        asked.append(frame.sparkSession.conf.get(BATCH_BYTES))
        return write(frame, *given)

    monkeypatch.setattr(file_pass, "write_from_workers", noted)
    files = written(rows, tmp_path / "files", Limits(wide_bytes=100))
    assert sorted(row["id"] for row in held(files)) == [0, 1, 2, 3, 4, 5]
    assert files.row_count == 6
    assert asked == [str(2**31 - 1), before]
    assert spark.conf.get(BATCH_BYTES) == before


def test_rows_that_are_not_wide_are_computed_once_however_many_columns_they_have(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[int] = []
    write = file_pass.write_from_workers

    def noted(*given: Any) -> Any:
        passes.append(1)
        return write(*given)

    monkeypatch.setattr(file_pass, "write_from_workers", noted)
    rows = spark.range(3).select("id", *(F.lit(f"value {number}").alias(f"column {number}") for number in range(300)))
    files = written(rows, tmp_path / "files")
    assert (files.row_count, len(passes)) == (3, 1)
    assert held(files)[0]["column 299"] == "value 299"


def test_no_rows_make_no_file(spark: SparkSession, tmp_path: Path) -> None:
    for number, rows in enumerate((spark.range(0), spark.createDataFrame([], "id LONG, name STRING"))):
        assert written(rows, tmp_path / str(number)).files == ()


def test_nan_values_are_not_pruned_by_file_statistics(spark: SparkSession, tmp_path: Path) -> None:
    rows = spark.createDataFrame([(1.0,), (float("nan"),)], "value DOUBLE").coalesce(1)
    files = written(rows, tmp_path / "files")
    found = spark.read.parquet(str(tmp_path / "files")).where("value > 5").collect()
    assert [str(row["value"]) for row in found] == ["nan"]
    assert files.row_count == 2


def full(rows: pa.RecordBatch) -> pa.RecordBatch:
    del rows
    raise OSError(28, "No space left on device")


def test_full_disk_is_classified_as_a_fault_of_the_environment(spark: SparkSession, tmp_path: Path) -> None:
    rows = spark.range(3)
    with pytest.raises(PySparkException) as caught:
        write_files(rows, [Share(tmp_path, arrow_schema(rows.schema), full)], DEFAULT_LIMITS)
    fault = readable(caught.value)
    assert isinstance(fault, EnvironmentFaultError)
    assert "No space left on device" in str(fault)


def test_two_flows_that_write_at_once_leave_the_limit_of_their_session_as_it_was(
    spark: SparkSession, tmp_path: Path
) -> None:
    has_begun, may_end = tmp_path / "has begun", tmp_path / "may end"

    def waiting(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        has_begun.touch()
        while not may_end.exists():
            time.sleep(0.01)
        return batches

    before = spark.conf.get(BATCH_BYTES)
    slow = spark.range(2).coalesce(1).mapInArrow(waiting, "id long")
    with ThreadPoolExecutor(2) as flows:
        first = flows.submit(written, slow, tmp_path / "first")
        while not has_begun.exists():
            time.sleep(0.01)
        second = flows.submit(written, spark.range(3).coalesce(1), tmp_path / "second")
        may_end.touch()
        assert (first.result().row_count, second.result().row_count) == (2, 3)
    assert spark.conf.get(BATCH_BYTES) == before
