"""Homes of format 1 know every file that they have taken, from the lists if the file state was lost, and its digest."""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING

import pytest

from pipeline.checkpoint.position import Position
from pipeline.home.schema_places import TablePlaces
from pipeline.ingest.file_state import FileRecord, FileState, batch_key
from pipeline.ingest.format_1 import migrate_digests, migrate_taken_files
from pipeline.ingest.landing import LandedFile
from tests.conftest import NOON

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.ingest.file_state import FileStatus

OLD = ["/landing/a.json", "/landing/b.json"]


@pytest.fixture
def places(tmp_path: Path) -> TablePlaces:
    """A flow that has taken three files in two batches, and has listed a fourth, as version e2a0822 left it."""
    places = TablePlaces(tmp_path, "plant", "bronze")
    position = Position(places.checkpoints)
    checkpoint = position.checkpoint()
    for folder in ("discovered", "offsets", "commits"):
        (checkpoint / folder).mkdir(parents=True)
    (checkpoint / "discovered before.json").write_text(json.dumps(OLD))
    for number, path in ((1, "/landing/c.json"), (2, "/landing/d.json")):
        content = {"discovered_at": NOON.isoformat(), "paths": [path]}
        (checkpoint / "discovered" / f"{number:010}.json").write_text(json.dumps(content))
    for batch in (0, 1):
        (checkpoint / "offsets" / str(batch)).write_text(f'v1\n{{}}\n{{"logOffset":{batch}}}\n')
        (checkpoint / "commits" / str(batch)).write_text("v1\n{}\n")
    flow_id = position.flow_id()
    state = FileState(places.file_state)
    for batch, paths in ((0, OLD), (1, ["/landing/c.json"])):
        key = batch_key(flow_id, batch)
        state.add([FileRecord(path, "ingested", 1, NOON, flow_id=flow_id, batch_key=key) for path in paths])
    return places


def taken(places: TablePlaces) -> set[str]:
    return set(FileState(places.file_state).current(Position(places.checkpoints).flow_id()))


def test_home_of_format_1_forgets_the_list_of_all_paths_and_no_file(places: TablePlaces) -> None:
    before = FileState(places.file_state).current()
    migrate_taken_files(places)
    migrate_taken_files(places)
    assert FileState(places.file_state).current() == before
    assert not (Position(places.checkpoints).checkpoint() / "discovered before.json").exists()


def test_home_of_format_1_without_a_file_state_takes_no_file_twice(places: TablePlaces) -> None:
    shutil.rmtree(places.file_state)
    migrate_taken_files(places)
    migrate_taken_files(places)
    assert taken(places) == {*OLD, "/landing/c.json"}
    assert FileState(places.file_state).has_batch(Position(places.checkpoints).flow_id(), 1)


def test_home_of_format_1_with_half_a_file_state_takes_no_file_twice(places: TablePlaces) -> None:
    flow_id = Position(places.checkpoints).flow_id()
    shutil.rmtree(places.file_state)
    record = FileRecord("/landing/c.json", "ingested", 1, NOON, flow_id=flow_id, batch_key=batch_key(flow_id, 1))
    FileState(places.file_state).add([record])
    migrate_taken_files(places)
    assert taken(places) == {*OLD, "/landing/c.json"}


def test_digest_is_known_only_of_a_file_that_is_as_it_was_read(tmp_path: Path) -> None:
    places = TablePlaces(tmp_path, "plant", "bronze")
    flow_id = Position(places.checkpoints).flow_id()
    state = FileState(places.file_state)
    for name in ("as read.json", "changed.json", "gone.json", "set aside.json"):
        (tmp_path / name).write_bytes(b"[]")
        read = LandedFile.found_at(str(tmp_path / name))
        status: FileStatus = "set aside" if name == "set aside.json" else "ingested"
        record = FileRecord(read.path, status, read.size_bytes, read.modified_at, flow_id=flow_id, batch_key=name)
        state.add([record])
    (tmp_path / "changed.json").write_bytes(b"[] ")
    (tmp_path / "gone.json").unlink()
    for _ in range(2):
        migrate_digests(places)
    digests = {path.rsplit("/", 1)[-1]: file.sha256 for path, file in state.current(flow_id).items()}
    whole = hashlib.sha256(b"[]").hexdigest()
    assert digests == {"as read.json": whole, "changed.json": None, "gone.json": None, "set aside.json": None}


def test_flow_that_never_ran_has_nothing_to_migrate(tmp_path: Path) -> None:
    places = TablePlaces(tmp_path, "plant", "bronze")
    migrate_taken_files(places)
    migrate_digests(places)
    assert list(tmp_path.iterdir()) == []
