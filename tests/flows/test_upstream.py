"""Where a flow begins to read a table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from pyspark.sql.types import StructType

from pipeline.checkpoint.position import Position
from pipeline.delta.table import Table
from pipeline.flows.upstream import begins_with_the_log, has_few_rows, new_rows, without_values
from pipeline.foundation.limits import Limits

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from tests.conftest import TestLakehouse


@pytest.fixture
def lines(lines: TestLakehouse) -> TestLakehouse:
    """The same where `raw` holds `a`, `b` and `c`, a commit each, and `copied` has read none of them."""
    for name in "abc":
        lines.land(f"{name}.json", [{"id": name}], folder="lines")
    assert lines.update(refresh=("raw",)).state == "COMPLETED"
    return lines


def copied(lines: TestLakehouse) -> list[str]:
    return [row["id"] for row in lines.rows("copied", "id")]


@pytest.mark.spark
@pytest.mark.slow
def test_flow_that_begins_on_a_grown_table_reads_each_row_once_and_then_new_ones(lines: TestLakehouse) -> None:
    assert lines.update().state == "COMPLETED"
    assert copied(lines) == ["a", "b", "c"]
    lines.land("d.json", [{"id": "d"}], folder="lines")
    assert lines.update().state == "COMPLETED"
    assert copied(lines) == ["a", "b", "c", "d"]


@pytest.mark.spark
@pytest.mark.slow
def test_flow_that_begins_on_a_table_that_has_lost_rows_reads_what_is_left(lines: TestLakehouse) -> None:
    DeltaTable(lines.path("raw")).delete("id = 'b'")
    assert lines.update().state == "COMPLETED"
    assert copied(lines) == ["a", "c"]


@pytest.mark.spark
@pytest.mark.slow
def test_flow_whose_first_batch_was_cut_short_reads_each_row_once_though_the_table_has_lost_others_since(
    lines: TestLakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Table, "append", full)
        assert lines.update().state == "FAILED"
    checkpoints = lines.home.state / "checkpoints" / "lines" / "copied"
    assert [file.name for file in checkpoints.glob("*/offsets/[0-9]*")] == ["0"]
    lines.land("d.json", [{"id": "d"}], folder="lines")
    assert lines.update(refresh=("raw",)).state == "COMPLETED"
    DeltaTable(lines.path("raw")).delete("id = 'd'")
    assert lines.update().state == "COMPLETED"
    assert copied(lines) == ["a", "b", "c", "d"]


@pytest.mark.spark
@pytest.mark.slow
def test_flow_that_goes_on_after_its_first_batch_does_not_ask_for_the_table_s_state(
    lines: TestLakehouse, spark: SparkSession
) -> None:
    # Spark looks the first batch up once more before it goes on, though its rows are not needed.
    lines.update()
    position, table = Position(lines.home.state / "checkpoints" / "lines" / "copied"), Table(lines.path("raw"))
    for done, begins in ((0, True), (1, False)):
        assert position.done_batch() == done
        stream = new_rows(spark, table, position, "skipChangeCommits", columns=StructType())
        options = stream._jdf.queryExecution().analyzed().dataSource().options().toString()
        assert ("startingVersion -> 0" in options) is begins
        lines.land(f"{done}.json", [{"id": str(done)}], folder="lines")
        lines.update()
    assert copied(lines) == ["0", "1", "a", "b", "c"]


_NOT_BEGUN = None
_IN_THE_STATE = {"reservoirVersion": 2, "index": 0, "isStartingVersion": True}
_IN_THE_FIRST_COMMIT = {"reservoirVersion": 0, "index": 5, "isStartingVersion": False}
_AFTER_A_COMMIT = {"reservoirVersion": 2, "index": -1, "isStartingVersion": False}


@pytest.mark.parametrize(
    ("has_lost_rows", "offset", "expected"),
    [
        pytest.param(False, _NOT_BEGUN, True, id="grown"),
        pytest.param(True, _NOT_BEGUN, False, id="lost_rows"),
        pytest.param(False, _IN_THE_STATE, False, id="cut_short_in_the_state"),
        # Where the table's state was never read, there is none before its first commit.
        pytest.param(True, _IN_THE_FIRST_COMMIT, True, id="cut_short_in_the_first_commit"),
        pytest.param(False, _AFTER_A_COMMIT, True, id="cut_short_after_a_commit"),
        pytest.param(True, _AFTER_A_COMMIT, False, id="cut_short_after_a_commit_and_lost_rows"),
    ],
)
def test_log_is_read_from_its_beginning_where_that_gives_the_same_rows(
    has_lost_rows: bool,
    offset: dict[str, object] | None,
    expected: bool,
    tmp_path: Path,
) -> None:
    for number in range(3):
        write_deltalake(tmp_path / "table", pa.table({"number": [number]}), mode="append")
    if has_lost_rows:
        DeltaTable(tmp_path / "table").delete("number = 1")
    position = Position(tmp_path / "position")
    if offset is not None:
        plans = position.checkpoint() / "offsets"
        plans.mkdir(parents=True)
        (plans / "0").write_text(f"v1\n{{}}\n{json.dumps(offset)}")
    assert begins_with_the_log(Table(tmp_path / "table"), position, 0) is expected


def test_batch_of_few_rows_that_take_much_memory_is_not_one_of_few_rows(tmp_path: Path) -> None:
    write_deltalake(tmp_path / "t", pa.table({"text": ["x" * 1_000_000]}))
    position = Position(tmp_path / "position")
    position.renew("a flow")
    held = [Table(tmp_path / "t", limits=Limits(few_bytes=limit)) for limit in (2_000_000, 500_000)]
    assert [has_few_rows(table, position, 0) for table in held] == [True, False]


@pytest.mark.spark
def test_rows_without_values_keep_their_columns_and_read_files_for_some_alone(
    spark: SparkSession, tmp_path: Path
) -> None:
    folder = str(tmp_path / "t")
    spark.sql("SELECT 1 AS id, 'x' AS `a.b`, array(2) AS list").write.parquet(folder)
    rows = spark.read.parquet(folder)
    found = without_values(rows, {"id"})
    assert found.schema == rows.schema
    assert [tuple(row) for row in found.collect()] == [(1, None, None)]
    assert "ReadSchema: struct<id:int>" in found._jdf.queryExecution().executedPlan().treeString()
