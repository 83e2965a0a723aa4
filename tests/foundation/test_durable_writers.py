"""What an update relies on after a kill also survives a power failure: files, their names and their folders."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from pipeline.foundation.clock import FixedClock
from pipeline.home.intents import IntentFile
from pipeline.home.lock import exclusive
from pipeline.home.places import Home
from pipeline.ingest.schema_log import SchemaLog
from pipeline.records.columns import Column
from pipeline.rework.corrections import KeptCorrections
from tests.foundation.synced import Synced

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def intent(home: Home) -> Path:
    file = home.table("factory", "silver").replay_intent
    IntentFile(file).write({"id": "1"})
    return file


def schema_version(home: Home) -> Path:
    folder = home.table("factory", "bronze").schema_log
    SchemaLog(folder).add((Column("a", "double"),), {"a": "1.json"}, NOW)
    return folder / "v00001.json"


def corrections(home: Home) -> Path:
    kept = KeptCorrections(home.table("factory", "silver").corrections)
    file = kept.prepare("record_id,column,value\n", ".csv", "1", NOW)
    kept.settle(file)
    return file


@pytest.mark.parametrize("write", [intent, schema_version, corrections])
def test_record_that_an_update_relies_on_survives_a_power_failure(
    write: Callable[[Home], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = Synced(monkeypatch)
    file = write(Home(tmp_path / "a home"))
    assert synced.survives(file, tmp_path)


def test_prepared_corrections_survive_a_power_failure_before_they_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = Synced(monkeypatch)
    KeptCorrections(tmp_path / "corrections").prepare("record_id,column,value\n", ".csv", "1", NOW)
    (draft,) = (tmp_path / "corrections").iterdir()
    assert synced.survives(draft, tmp_path)


def test_note_of_the_lock_survives_a_power_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(tmp_path / "a home")
    synced = Synced(monkeypatch)
    with exclusive(home, FixedClock(NOW), "update 1"):
        assert synced.survives(home.holder_note, home.lock.parent)
