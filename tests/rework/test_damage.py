"""State that was damaged behind the pipeline's back: refused with the command to type, or without effect."""

from __future__ import annotations

import os
import shutil
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from deltalake import DeltaTable

from pipeline.foundation.errors import DamagedStateError, LakehouseError
from tests.conftest import TABLES, reading
from tests.delta.test_commits import cut

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import TestLakehouse

pytestmark = [pytest.mark.spark, pytest.mark.slow]

BRONZE, SILVER, QUARANTINE, GOLD, STATUS = TABLES


def checkpoint_of(lakehouse: TestLakehouse, table: str) -> Path:
    (folder,) = (lakehouse.home.state / "checkpoints" / "smart_factory" / table).glob("*/")
    return folder


def newest(folder: Path, pattern: str = "[0-9]*") -> Path:
    return max(folder.glob(pattern))


# The others take as long, and `make chaos` has the time.
QUICK = {"checkpoint deleted", "newest commit removed", "lists of files deleted"}


def lose_newest_commit(log: Path) -> None:
    version = newest(log, "*.json").stem
    for file in log.glob(f"*{version}*"):
        file.unlink()


DAMAGES: dict[str, tuple[str, Callable[[TestLakehouse], object], str]] = {
    "checkpoint deleted": (
        BRONZE,
        lambda lakehouse: shutil.rmtree(checkpoint_of(lakehouse, BRONZE).parent),
        "is gone or cut short",
    ),
    "plan of a batch cut short": (
        SILVER,
        lambda lakehouse: os.truncate(newest(checkpoint_of(lakehouse, SILVER) / "offsets"), 0),
        "is damaged",
    ),
    "what the checkpoint has passed cut short": (
        GOLD,
        lambda lakehouse: os.truncate(newest(checkpoint_of(lakehouse, GOLD) / "commits"), 0),
        "is damaged",
    ),
    "lists of files deleted": (
        BRONZE,
        lambda lakehouse: shutil.rmtree(checkpoint_of(lakehouse, BRONZE) / "discovered"),
        "is damaged",
    ),
    "log of the file source deleted": (
        BRONZE,
        lambda lakehouse: shutil.rmtree(checkpoint_of(lakehouse, BRONZE) / "sources"),
        "is damaged",
    ),
    "newest commit removed": (
        SILVER,
        lambda lakehouse: lose_newest_commit(lakehouse.path(SILVER) / "_delta_log"),
        "has lost commits",
    ),
    "newest commit removed, its checksum left": (
        SILVER,
        lambda lakehouse: newest(lakehouse.path(SILVER) / "_delta_log", "*.json").unlink(),
        "is gone or damaged",
    ),
    "first commit removed": (
        BRONZE,
        lambda lakehouse: min((lakehouse.path(BRONZE) / "_delta_log").glob("*.json")).unlink(),
        "has neither the first one nor a checkpoint",
    ),
    "Delta log removed": (
        SILVER,
        lambda lakehouse: shutil.rmtree(lakehouse.path(SILVER) / "_delta_log"),
        "holds data files without it",
    ),
}


@pytest.mark.parametrize(
    "damage",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.chaos) for name in DAMAGES],
)
def test_damage_is_refused_with_the_command_that_mends_it_and_that_command_does(
    lakehouse: TestLakehouse, damage: str
) -> None:
    table, do, words = DAMAGES[damage]
    for number in range(2):
        lakehouse.land(f"{number}.json", [reading(), reading(None)])
        assert lakehouse.update().state == "COMPLETED"
    lakehouse.land("new.json", [reading("MFG-A-1001")])
    do(lakehouse)
    counted = lakehouse.counted_by_events(*TABLES)
    result = lakehouse.update(refresh=(table,))
    assert result.state == "FAILED"
    error = result.errors[table]
    assert words in error.problem
    assert not error.retryable
    assert f"python -m pipeline run --full-refresh {table}" in error.remedy
    assert lakehouse.counted_by_events(table)[table] == counted[table]
    assert lakehouse.waits == []

    assert lakehouse.update(full_refresh=(table,)).errors == {}
    assert lakehouse.update().state == "COMPLETED"
    lakehouse.assert_invariants()
    assert len(lakehouse.rows(BRONZE)) == 5


def test_flow_that_reads_a_table_without_its_first_commit_is_refused(lakehouse: TestLakehouse) -> None:
    for number in range(2):
        lakehouse.land(f"{number}.json", [reading()])
        lakehouse.update()
    held = lakehouse.rows(GOLD)
    lakehouse.land("new.json", [reading("MFG-A-1001")])
    lakehouse.update(refresh=(BRONZE, SILVER))
    min((lakehouse.path(SILVER) / "_delta_log").glob("*.json")).unlink()
    error = lakehouse.update(refresh=(GOLD,)).errors[GOLD]
    assert "has neither the first one nor a checkpoint" in error.problem
    assert f"--full-refresh {SILVER}" in error.remedy
    assert lakehouse.rows(GOLD) == held
    assert lakehouse.update(full_refresh=(SILVER,)).state == "COMPLETED"
    lakehouse.assert_invariants()


def test_full_refresh_after_the_event_log_was_lost_counts_every_row(lakehouse: TestLakehouse) -> None:
    lakehouse.land("a.json", [reading(), reading(None)])
    lakehouse.update()
    shutil.rmtree(lakehouse.path("event_log"))
    assert lakehouse.update(full_refresh_all=True).state == "COMPLETED"
    lakehouse.assert_invariants()


def test_event_log_without_its_delta_log_is_not_written_over(lakehouse: TestLakehouse) -> None:
    lakehouse.land("a.json", [reading()])
    lakehouse.update()
    shutil.rmtree(lakehouse.path("event_log") / "_delta_log")
    with pytest.raises(DamagedStateError, match="has lost its _delta_log") as caught:
        lakehouse.update()
    assert "--full-refresh-all" in caught.value.remedy


def test_schema_log_that_is_damaged_is_named_and_the_version_before_it_takes_over(lakehouse: TestLakehouse) -> None:
    lakehouse.land("a.json", [reading()])
    lakehouse.update()
    lakehouse.land("b.json", [reading(humidity_percent=40.0)])
    lakehouse.update()
    damaged = newest(lakehouse.home.state / "schema_log" / "smart_factory" / BRONZE, "v*.json")
    os.truncate(damaged, 20)
    with pytest.raises(LakehouseError, match="The schema log is damaged") as caught:
        lakehouse.update()
    assert damaged.name in str(caught.value)
    assert not caught.value.retryable
    damaged.unlink()
    lakehouse.land("c.json", [reading(humidity_percent=41.0)])
    assert lakehouse.update().state == "COMPLETED"
    lakehouse.assert_invariants()
    assert [row["humidity_percent"] for row in lakehouse.rows(BRONZE, "humidity_percent")] == [40.0, 41.0, None]


def test_clock_set_back_a_day_and_another_time_zone_change_nothing(
    lakehouse: TestLakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    lakehouse.land("a.json", [reading()])
    lakehouse.update()
    lakehouse.clock.advance(timedelta(days=-1))
    lakehouse.land("b.json", [reading(at="2026-02-28T11:30:00")])
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    try:
        assert lakehouse.update().state == "COMPLETED"
    finally:
        monkeypatch.undo()
        time.tzset()
    lakehouse.assert_invariants()
    assert len(lakehouse.rows(SILVER)) == 2
    sequences = [row["sequence"] for row in lakehouse.rows("event_log", "sequence", by="sequence")]
    assert len(set(sequences)) == len(sequences)


def test_batch_cut_short_so_long_ago_that_the_log_has_lost_its_commit_is_refused(lakehouse: TestLakehouse) -> None:
    lakehouse.land("a.json", [reading()])
    lakehouse.update()
    lakehouse.land("b.json", [reading("MFG-A-1001", humidity_percent=40.0)])
    cut_short = lakehouse.update().update_id
    newest(checkpoint_of(lakehouse, SILVER) / "commits").unlink()
    DeltaTable(lakehouse.path("event_log")).delete(f"origin.update_id = '{cut_short}'")
    DeltaTable(lakehouse.path(SILVER)).optimize.compact()
    cut(lakehouse.path(SILVER))
    held = lakehouse.rows(SILVER)

    errors = lakehouse.update().errors
    assert isinstance(errors[SILVER], DamagedStateError)
    assert "no longer tells what it wrote" in str(errors[SILVER])
    assert "--full-refresh silver_cleaned_sensors" in str(errors[SILVER])
    assert lakehouse.rows(SILVER) == held
    assert lakehouse.update(full_refresh=(SILVER,)).state == "COMPLETED"
    lakehouse.assert_invariants()


def test_table_whose_log_has_lost_a_flow_s_commits_to_those_of_others_goes_on(lakehouse: TestLakehouse) -> None:
    for name in "ab":
        lakehouse.land(f"{name}.json", [reading(), reading(None)])
        lakehouse.update()
    DeltaTable(lakehouse.path(QUARANTINE)).optimize.compact()
    cut(lakehouse.path(QUARANTINE))
    lakehouse.land("c.json", [reading("MFG-A-1001"), reading(None)])
    assert lakehouse.update().errors == {}
    lakehouse.assert_invariants()
    assert len(lakehouse.rows(QUARANTINE)) == 3
