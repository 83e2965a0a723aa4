"""What a table's own log still tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from pipeline.commit_log import CommitLog

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table of three appends."""
    for number in range(3):
        write_deltalake(tmp_path / "table", pa.table({"number": [number]}), mode="append")
    return tmp_path / "table"


def cut(table: Path) -> None:
    """Do what Delta does after a month: a checkpoint holds the table, and its commits but the newest are gone."""
    DeltaTable(table).create_checkpoint()
    for file in CommitLog(table).files()[:-1]:
        file.unlink()


CHANGES: dict[str, Callable[[Path], object]] = {
    "rows taken away": lambda table: DeltaTable(table).delete("number = 1"),
    "files joined": lambda table: DeltaTable(table).optimize.compact(),
    "a column added": lambda table: write_deltalake(
        table, pa.table({"number": [3], "more": [3]}), mode="append", schema_mode="merge"
    ),
    "commits deleted": cut,
}


def test_log_of_appends_alone_has_only_grown(table: Path) -> None:
    assert CommitLog(table).has_only_grown()


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_log_after_any_other_change_has_not_only_grown(change: Callable[[Path], object], table: Path) -> None:
    change(table)
    assert not CommitLog(table).has_only_grown()


def test_log_of_no_table_has_not_grown_and_has_no_commits(tmp_path: Path) -> None:
    assert not CommitLog(tmp_path).has_only_grown()
    assert list(CommitLog(tmp_path).newest_first()) == []


def test_log_that_has_lost_its_first_commits_is_cut_after_all_earlier_moments(table: Path) -> None:
    newest = next(CommitLog(table).newest_first()).info["timestamp"]
    assert not CommitLog(table).is_cut_after(newest - 1)
    cut(table)
    log = CommitLog(table)
    assert [log.is_cut_after(moment) for moment in (0, newest - 1, newest, newest + 1)] == [True, True, False, False]


def test_rows_since_a_version_are_those_that_were_added_and_no_number_where_the_log_does_not_tell(
    table: Path,
) -> None:
    DeltaTable(table).optimize.compact()
    write_deltalake(table, pa.table({"number": [4, 5]}), mode="append")
    log = CommitLog(table)
    assert [log.rows_since(version) for version in range(6)] == [5, 4, 3, 2, 2, 0]
    cut(table)
    assert [log.rows_since(version) for version in (0, 3, 4)] == [None, None, 2]
    assert CommitLog(table.parent / "none").rows_since(0) is None
    newest = log.files()[-1]
    newest.write_text(newest.read_text(encoding="utf-8").replace("numRecords", "records"), encoding="utf-8")
    assert log.rows_since(4) is None
