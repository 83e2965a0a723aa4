"""What a table's own log still tells."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from pipeline.delta.commits import CommitLog, Watch

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


def append(path: Path, number: int) -> None:
    write_deltalake(path, pa.table({"number": [number]}), mode="append")


def test_newest_version_follows_commits_and_a_table_that_another_one_replaced(tmp_path: Path) -> None:
    path = tmp_path / "table"
    watch = Watch(path)
    assert (watch.version(), watch.look()) == (-1, None)
    append(path, 0)
    append(path, 1)
    assert watch.version() == DeltaTable(path).version() == 1
    append(path, 2)
    assert watch.version() == 2
    shutil.rmtree(path)
    assert (watch.version(), watch.look()) == (-1, None)
    append(path, 3)
    assert watch.version() == 0


def test_look_tells_a_new_commit_from_another_table_of_the_same_version(tmp_path: Path) -> None:
    path = tmp_path / "table"
    watch = Watch(path)
    append(path, 0)
    first = watch.look()
    assert first is not None
    assert watch.look() == first
    append(path, 1)
    assert watch.look() == (first[0], 1)
    shutil.rmtree(path)
    append(path, 0)
    append(path, 1)
    append(path, 2)
    again = watch.look()
    assert again is not None
    assert (again[0] != first[0], again[1]) == (True, 2)


def test_watch_goes_on_when_old_commits_have_been_deleted(tmp_path: Path) -> None:
    path = tmp_path / "table"
    watch = Watch(path)
    for number in range(3):
        append(path, number)
    assert watch.version() == 2
    DeltaTable(path).create_checkpoint()
    for version in range(2):
        (path / "_delta_log" / f"{version:020}.json").unlink()
    append(path, 3)
    assert watch.look() == (0, 3)
