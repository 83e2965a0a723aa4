"""A flow's identity, and what it reads from the checkpoint of Structured Streaming."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from pipeline.checkpoint.position import Position
from pipeline.delta.batch import Batch
from pipeline.delta.table import Table
from pipeline.foundation.errors import DamagedStateError

if TYPE_CHECKING:
    from pathlib import Path

VERSION = 7


@pytest.fixture
def position(tmp_path: Path) -> Position:
    return Position(tmp_path / "checkpoints" / "silver")


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return Table(tmp_path / "silver")


def run_batches(position: Position, *, planned: int, done: int) -> None:
    """Write a checkpoint of a flow that reads one table, as Structured Streaming does."""
    folder = position.checkpoint()
    for name in ("offsets", "commits"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "metadata").write_text('{"id":"a query"}', encoding="utf-8")
    for number in range(planned + 1):
        offset = {"reservoirVersion": VERSION + number, "index": -1, "isStartingVersion": False}
        lines = ["v1", json.dumps({"batchTimestampMs": 1000 + number}), json.dumps(offset)]
        (folder / "offsets" / str(number)).write_text("\n".join(lines), encoding="utf-8")
    for number in range(done + 1):
        (folder / "commits" / str(number)).write_text('v1\n{"nextBatchWatermarkMs":0}', encoding="utf-8")


def commit(table: Table, position: Position, batch_id: int) -> None:
    properties = Batch("an update", "silver", position.flow_id(), batch_id).commit_properties()
    write_deltalake(table.path, pa.table({"id": [batch_id]}), mode="append", commit_properties=properties)


def problem(position: Position, table: Table) -> str:
    with pytest.raises(DamagedStateError) as raised:
        position.check(table)
    assert "--full-refresh silver" in raised.value.remedy
    return raised.value.problem


def test_flow_that_never_ran_gets_an_identity_that_it_keeps(position: Position) -> None:
    assert not position.exists
    flow_id = position.flow_id()
    assert position.exists
    assert Position(position.folder).flow_id() == flow_id
    assert (position.done_batch(), position.planned_batch(), position.planned_at()) == (-1, -1, 0)
    assert position.offsets(0) == []


def test_new_identity_leaves_nothing_of_the_checkpoint_before(position: Position) -> None:
    run_batches(position, planned=0, done=0)
    before = position.checkpoint()
    assert position.renew("another") == "another"
    assert position.flow_id() == "another"
    assert not before.exists()
    assert position.planned_batch() == -1


def test_identity_that_cannot_be_read_is_damaged_state(position: Position) -> None:
    position.flow_id()
    (position.folder / "flow.json").write_text("{", encoding="utf-8")
    with pytest.raises(DamagedStateError, match="identity cannot be read"):
        position.flow_id()


def test_batches_are_planned_when_their_offsets_are_fixed_and_done_when_they_are_committed(position: Position) -> None:
    run_batches(position, planned=11, done=10)
    assert (position.planned_batch(), position.done_batch(), position.planned_at()) == (11, 10, 1011)
    assert position.offsets(11)[0]["reservoirVersion"] == VERSION + 11
    assert position.offsets(12) == []


def test_whole_checkpoint_that_fits_the_table_passes(position: Position, table: Table) -> None:
    position.check(table)
    run_batches(position, planned=1, done=0)
    commit(table, position, 0)
    commit(table, position, 1)
    position.check(table)


@pytest.mark.parametrize("file", ["metadata", "offsets/1", "offsets/0", "commits/0"])
def test_checkpoint_with_a_file_cut_short_is_refused(position: Position, table: Table, file: str) -> None:
    run_batches(position, planned=1, done=0)
    (position.checkpoint() / file).write_text("", encoding="utf-8")
    assert f"{file} is gone or cut short" in problem(position, table)


def test_checkpoint_that_has_lost_the_commit_of_a_batch_is_refused(position: Position, table: Table) -> None:
    run_batches(position, planned=2, done=1)
    (position.checkpoint() / "commits" / "1").unlink()
    assert "commits/1 is gone or cut short" in problem(position, table)


def test_table_that_is_ahead_of_its_checkpoint_is_refused(position: Position, table: Table) -> None:
    run_batches(position, planned=0, done=0)
    commit(table, position, 0)
    commit(table, position, 1)
    assert "knows batches up to 0, the table has batch 1" in problem(position, table)


def test_table_with_rows_of_an_unknown_flow_is_refused(position: Position, table: Table) -> None:
    commit(table, position, 0)
    position.renew("another")
    assert "is gone or cut short" in problem(position, table)
