"""What the logs of a file source's checkpoint say, and what they lack."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pipeline.checkpoint.position import Position

if TYPE_CHECKING:
    from pathlib import Path


def write(checkpoint: Path, name: str, *lines: str) -> Path:
    file = checkpoint / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(("v1", *lines)), encoding="utf-8")
    return file


@pytest.fixture
def position(tmp_path: Path) -> Position:
    return Position(tmp_path / "bronze")


@pytest.fixture
def checkpoint(position: Position) -> Path:
    """A file source that was killed once between its log and the plan: batch 1 takes entries 1 and 2."""
    folder = position.checkpoint()
    folder.mkdir()
    (folder / "metadata").write_text('{"id":"a query"}', encoding="utf-8")
    for batch, entry in ((0, 0), (1, 2)):
        settings = json.dumps({"batchTimestampMs": 1000 + batch})
        write(folder, f"offsets/{batch}", settings, json.dumps({"logOffset": entry}))
    write(folder, "commits/0", "{}")
    for entry in range(3):
        write(folder, f"sources/0/{entry}", "{}")
    return folder


def test_empty_checkpoint_has_no_batches(position: Position) -> None:
    assert (position.done_batch(), position.planned_batch(), position.planned_at()) == (-1, -1, 0)
    assert (position.newest_entry(-1), position.offsets(0), position.broken_files()) == (-1, [], [])


@pytest.mark.usefixtures("checkpoint")
def test_batch_takes_the_entries_up_to_the_offset_of_its_plan(position: Position) -> None:
    assert (position.done_batch(), position.planned_batch(), position.planned_at()) == (0, 1, 1001)
    assert [position.newest_entry(batch) for batch in (-1, 0, 1)] == [-1, 0, 2]
    assert position.offsets(1) == [{"logOffset": 2}]
    assert position.broken_files() == []


@pytest.mark.parametrize("name", ["metadata", "offsets/0", "offsets/1", "commits/0", "sources/0/1"])
def test_file_that_is_cut_short_is_broken(position: Position, checkpoint: Path, name: str) -> None:
    (checkpoint / name).write_text("", encoding="utf-8")
    assert position.broken_files() == [checkpoint / name]


@pytest.mark.parametrize("name", ["metadata", "sources/0/0", "sources/0/2"])
def test_file_that_is_gone_is_broken(position: Position, checkpoint: Path, name: str) -> None:
    (checkpoint / name).unlink()
    assert position.broken_files() == [checkpoint / name]


def test_entries_that_spark_has_joined_are_not_missed(position: Position, checkpoint: Path) -> None:
    write(checkpoint, "sources/0/1.compact", "{}")
    for entry in (0, 1):
        (checkpoint / "sources" / "0" / str(entry)).unlink()
    assert position.broken_files() == []
    joined = write(checkpoint, "sources/0/1.compact")
    joined.write_text("", encoding="utf-8")
    assert position.broken_files() == [joined]
