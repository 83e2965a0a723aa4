"""A home of format 1 is brought to the current format once, through kills, and loses and repeats nothing."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from deltalake import DeltaTable
from typer.testing import CliRunner

from pipeline.checkpoint.position import Position
from pipeline.commands.app import app
from pipeline.foundation.clock import FixedClock
from pipeline.foundation.errors import DamagedStateError, PipelineBusyError
from pipeline.home.format import FORMAT, NewerHomeError, read_format, write_format
from pipeline.home.lock import exclusive, holder
from pipeline.home.places import Home
from pipeline.ingest.file_state import FileState
from pipeline.rework.migration import ensure_current, migrate, pending_steps, writing
from tests.conftest import NOON, TABLES
from tests.rework.format_1 import batches_by_note, batches_by_transaction, extracted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import TestLakehouse

CLOCK = FixedClock(datetime(2026, 3, 2, tzinfo=UTC))
BRONZE = TABLES[0]


@pytest.fixture
def regular() -> Iterator[Home]:
    with extracted("regular") as home:
        yield home


@pytest.fixture
def killed() -> Iterator[Home]:
    with extracted("killed") as home:
        yield home


def versions(home: Home) -> dict[str, int]:
    return {folder.name: DeltaTable(folder).version() for folder in home.delta_tables()}


def test_new_home_gets_the_current_format_at_once(tmp_path: Path) -> None:
    home = Home(tmp_path / "a home")
    with writing(home, CLOCK, "update 1"):
        assert read_format(home.format) == FORMAT
        assert (found := holder(home)) is not None
        assert found.update_id == "1"
    assert list(pending_steps(home)) == []


def test_newer_home_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    home = Home(tmp_path)
    write_format(home.format, FORMAT + 1)
    with pytest.raises(NewerHomeError), writing(home, CLOCK, "update 1"):
        pytest.fail("a newer home is written to")
    assert read_format_text(home) == '{"format": 3}\n'


def read_format_text(home: Home) -> str:
    return home.format.read_text(encoding="utf-8")


def test_every_batch_of_an_older_home_is_named_as_a_transaction(regular: Home) -> None:
    noted = batches_by_note(regular)
    assert batches_by_transaction(regular) != noted, "the fixture has nothing to migrate"
    migrate(regular)
    assert read_format(regular.format) == FORMAT
    assert batches_by_transaction(regular) == noted


def test_file_that_only_the_list_of_all_paths_knew_is_in_the_file_state(regular: Home) -> None:
    places = regular.table("smart_factory", BRONZE)
    position = Position(places.checkpoints)
    listed = position.checkpoint() / "discovered before.json"
    forgotten = str(regular.landing / "sensor_readings" / "forgotten.json")
    listed.write_text(json.dumps([forgotten]), encoding="utf-8")
    migrate(regular)
    assert not listed.exists()
    assert FileState(places.file_state).current(position.flow_id())[forgotten].state == "ingested"


def test_files_of_an_older_home_are_known_by_their_digests(regular: Home) -> None:
    places = regular.table("smart_factory", BRONZE)
    flow_id = Position(places.checkpoints).flow_id()
    files = FileState(places.file_state).current(flow_id).values()
    assert {file.sha256 for file in files} == {None}, "the fixture has nothing to migrate"
    migrate(regular)
    files = FileState(places.file_state).current(flow_id).values()
    digests = {Path(file.path): file.sha256 for file in files if file.state == "ingested"}
    assert digests
    assert digests == {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in digests}


def test_second_migration_writes_nothing(regular: Home) -> None:
    migrate(regular)
    before = versions(regular)
    migrate(regular)
    ensure_current(regular, CLOCK)
    assert versions(regular) == before


def test_migration_killed_after_any_step_is_finished_by_the_next_one(regular: Home) -> None:
    noted = batches_by_note(regular)
    for done in range(len(list(pending_steps(regular)))):
        shutil.copytree(regular.root, killed_home := regular.root.with_name("killed after a step"))
        home = Home(killed_home)
        for step in islice(pending_steps(home), done):
            step()
        assert read_format(home.format) is None
        migrate(home)
        assert read_format(home.format) == FORMAT
        assert batches_by_transaction(home) == noted
        shutil.rmtree(killed_home)


def test_table_that_cannot_be_read_stops_the_migration_with_a_remedy(regular: Home) -> None:
    log = regular.table("smart_factory", BRONZE).data / "_delta_log"
    for file in log.iterdir():
        file.write_text("damaged")
    with pytest.raises(DamagedStateError, match=rf"{BRONZE} cannot be read.*--full-refresh {BRONZE}"):
        migrate(regular)
    assert read_format(regular.format) is None


def test_program_beside_an_update_waits_for_nobody_unless_the_home_is_older(regular: Home, tmp_path: Path) -> None:
    new = Home(tmp_path / "a home")
    ensure_current(new, CLOCK)
    with exclusive(new, CLOCK, "update 1"):
        ensure_current(new, CLOCK)
    with (
        exclusive(regular, CLOCK, "update 1"),
        pytest.raises(PipelineBusyError, match="update 1"),
    ):
        ensure_current(regular, CLOCK)


@pytest.mark.parametrize("command", ["files", "history", "events", "schema"])
def test_readers_show_an_older_home_and_write_nothing(regular: Home, command: str) -> None:
    before = {path: path.stat().st_mtime_ns for path in regular.root.rglob("*")}
    shown = CliRunner().invoke(app, [command, "--home", str(regular.root), "--json"])
    assert shown.exit_code == 0, shown.output
    assert len(shown.output.splitlines()) > 1
    assert {path: path.stat().st_mtime_ns for path in regular.root.rglob("*")} == before


@pytest.mark.parametrize("done", [0, 3])
def test_update_of_an_older_home_ingests_what_waits_and_nothing_twice(
    lakehouse: TestLakehouse, regular: Home, done: int
) -> None:
    old = replace(lakehouse, home=regular, clock=FixedClock(NOON + timedelta(hours=1)))
    before = {table: old.rows(table, "record_id", by="record_id") for table in TABLES[:3]}
    states = {path: file.state for path, file in old.files().items()}
    for step in islice(pending_steps(regular), done):
        step()

    assert old.update().state == "COMPLETED"

    old.assert_invariants()
    waiting = f"{regular.landing}/sensor_readings/waiting.json"
    assert {path: file.state for path, file in old.files().items()} == states | {waiting: "ingested"}
    added = [row for row in old.rows(BRONZE, "record_id", "source_file") if row["source_file"].endswith("waiting.json")]
    assert len(added) == 2
    assert len(old.rows(BRONZE)) == len(before[BRONZE]) + 2
    for table, rows in before.items():
        kept = {row["record_id"] for row in old.rows(table, "record_id")}
        assert {row["record_id"] for row in rows} <= kept
    assert read_format(regular.format) == FORMAT


@pytest.mark.parametrize("done", [0, 2])
def test_update_of_an_older_home_finishes_the_batch_that_was_killed(
    lakehouse: TestLakehouse, killed: Home, done: int
) -> None:
    old = replace(lakehouse, home=killed, clock=FixedClock(NOON + timedelta(hours=1)))
    before = old.rows(BRONZE, "record_id")
    assert len(before) == 4
    assert len(old.rows(TABLES[1])) == 2
    for step in islice(pending_steps(killed), done):
        step()

    assert old.update().state == "COMPLETED"

    old.assert_invariants()
    assert old.rows(BRONZE, "record_id") == before
    assert (len(old.rows(TABLES[1])), len(old.rows(TABLES[2]))) == (3, 1)
