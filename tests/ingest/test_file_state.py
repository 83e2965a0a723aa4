"""What is known of files: the newest record of each is in force, and a batch's records are added once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.ingest.file_state import FileRecord, FileState, batch_key
from tests.conftest import NOON

if TYPE_CHECKING:
    from pathlib import Path


def record(path: str, batch: int, flow: str = "flow") -> FileRecord:
    return FileRecord(path, "ingested", 1, NOON, flow_id=flow, batch_id=batch, batch_key=batch_key(flow, batch))


def test_newest_record_of_each_file_is_in_force(tmp_path: Path) -> None:
    state = FileState(tmp_path)
    state.add([record("a", 0), record("b", 0)])
    state.add([replace(record("a", 1), state="overwritten", error="another version came")])
    state.add([record("c", 0, flow="another")])
    newest = {path: (file.state, file.sequence, file.error) for path, file in state.current("flow").items()}
    assert newest == {"a": ("overwritten", 1, "another version came"), "b": ("ingested", 0, None)}
    assert set(state.current("flow", ["b", "c"])) == {"b"}
    assert set(state.current()) == {"a", "b", "c"}


def test_records_of_a_batch_are_added_once(tmp_path: Path) -> None:
    state = FileState(tmp_path)
    assert not state.has_batch("flow", 0)
    state.add([record("a", 0)])
    state.add([record("a", 0)])
    assert state.current() == {"a": replace(record("a", 0), sequence=0)}
    assert state.has_batch("flow", 0)
    assert not state.has_batch("flow", 1)


def test_paths_are_known_to_the_flow_that_has_a_record_of_them(tmp_path: Path) -> None:
    state = FileState(tmp_path)
    assert state.known_among(["a"], "flow") == set()
    state.add([record("a", 0), record("b", 0)])
    assert state.known_among(["a", "c"], "flow") == {"a"}
    assert state.known_among(["a", "c"], "another") == set()
    assert state.known_among([], "flow") == set()
