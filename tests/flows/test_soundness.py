"""Commits, checkpoint and event log that disagree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from pipeline.checkpoint.position import Position
from pipeline.delta.batch import Batch
from pipeline.delta.table import Table
from pipeline.events.log import Totals
from pipeline.flows.soundness import check_commits, check_log
from pipeline.foundation.errors import DamagedStateError
from tests.delta.test_commits import cut

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return Table(tmp_path / "gold")


@pytest.fixture
def position(tmp_path: Path) -> Position:
    position = Position(tmp_path / "checkpoints" / "gold")
    position.renew("the flow")
    return position


def commit(table: Table, batch_id: int) -> None:
    properties = Batch("an update", "gold", "the flow", batch_id).commit_properties()
    write_deltalake(table.path, pa.table({"id": [batch_id]}), mode="append", commit_properties=properties)


def checkpoint(position: Position, *, planned: int, done: int) -> None:
    for folder, newest in (("offsets", planned), ("commits", done)):
        (position.checkpoint() / folder).mkdir(parents=True)
        for number in range(newest + 1):
            text = f'v1\n{{"batchTimestampMs":{number}}}\n{{}}'
            (position.checkpoint() / folder / str(number)).write_text(text, encoding="utf-8")


def logged(newest: int) -> Totals:
    totals = Totals()
    totals.newest_batch["the flow", "gold"] = totals.newest_batch_with_rows["the flow", "gold"] = newest
    return totals


def problem(table: Table, position: Position, totals: Totals) -> str:
    with pytest.raises(DamagedStateError) as raised:
        check_commits(table, position, totals)
    return raised.value.problem


def test_table_checkpoint_and_log_that_agree_are_sound(table: Table, position: Position) -> None:
    commit(table, 0)
    checkpoint(position, planned=0, done=0)
    check_log(table, has_begun=True)
    check_commits(table, position, logged(0))


def test_batch_that_was_committed_but_not_yet_passed_is_sound(table: Table, position: Position) -> None:
    commit(table, 0)
    checkpoint(position, planned=0, done=-1)
    check_commits(table, position, Totals())


def test_batch_that_is_unfinished_and_whose_commit_was_deleted_is_not_sound(table: Table, position: Position) -> None:
    commit(table, 0)
    commit(table, 1)
    checkpoint(position, planned=1, done=0)
    check_commits(table, position, logged(0))
    DeltaTable(table.path).optimize.compact()
    cut(table.path)
    assert table.committed_batch("the flow") == 1
    assert "of `gold` no longer tells what it wrote" in problem(table, position, logged(0))
    check_commits(table, position, logged(1))


def test_table_that_ends_before_the_newest_logged_batch_has_lost_commits(table: Table, position: Position) -> None:
    commit(table, 0)
    checkpoint(position, planned=1, done=1)
    assert "ends with batch 0, the event log knows of batch 1" in problem(table, position, logged(1))


def test_batch_that_the_checkpoint_has_passed_but_the_log_lacks_means_lost_events(
    table: Table, position: Position
) -> None:
    commit(table, 0)
    commit(table, 1)
    checkpoint(position, planned=1, done=1)
    assert "has lost events: it does not know of batch 1" in problem(table, position, logged(0))


def test_data_files_without_a_log_are_damage_only_once_a_batch_was_committed(table: Table) -> None:
    commit(table, 0)
    for file in (table.path / "_delta_log").iterdir():
        file.unlink()
    (table.path / "_delta_log").rmdir()
    check_log(table, has_begun=False)
    with pytest.raises(DamagedStateError, match="is gone"):
        check_log(table, has_begun=True)


def test_log_without_its_first_commit_has_lost_commits(table: Table) -> None:
    commit(table, 0)
    commit(table, 1)
    min((table.path / "_delta_log").glob("*.json")).unlink()
    with pytest.raises(DamagedStateError, match="neither the first one nor a checkpoint"):
        check_log(table, has_begun=True)


def test_table_that_was_never_written_is_sound(table: Table) -> None:
    check_log(table, has_begun=False)
    assert not DeltaTable.is_deltatable(str(table.path))
