"""Where a flow begins to read a table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from pipeline.flows.position import Position
from pipeline.flows.upstream import begins_with_the_log, new_rows
from pipeline.tables import Table

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
        stream = new_rows(spark, table, position, "skipChangeCommits")
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
