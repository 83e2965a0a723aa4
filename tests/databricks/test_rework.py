"""Kills, replays and files read again in source for Databricks: nothing is lost or counted twice, or it is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.commands.app import app
from pipeline.foundation.command_line import run_command
from pipeline.foundation.errors import AuthorError
from pipeline.selection import ReplayRequest
from tests.chaos.test_kills_with_state import KILLED, killed_update

if TYPE_CHECKING:
    from tests.conftest import TestLakehouse
    from tests.databricks.conftest import Project

pytestmark = [pytest.mark.spark, pytest.mark.slow]

SOURCE = """
import dlt


@dlt.table
def bronze():
    raw = spark.readStream.format("cloudFiles").option("cloudFiles.format", "json")
    return raw.option("cloudFiles.inferColumnTypes", "true").load("/Volumes/main/shop/raw")


@dlt.table
@dlt.expect_or_drop("cheap", "amount < 100")
@dlt.expect("known", "customer IS NOT NULL")
def silver():
    return dlt.read_stream("bronze").select("customer", "amount")


@dlt.table
def gold():
    return dlt.read("silver").groupBy("customer").sum("amount").toDF("customer", "total")


@dlt.table
def running():
    return dlt.read_stream("silver").groupBy("customer").count()
"""
STORED = ("bronze", "silver", "silver__quarantine", "gold")


def land(project: Project, name: str, *orders: tuple[str | None, int]) -> None:
    project.write(f"raw/{name}", json.dumps([{"customer": customer, "amount": amount} for customer, amount in orders]))


def stored(shop: TestLakehouse) -> dict[str, list[tuple[Any, ...]]]:
    columns = dict.fromkeys(("bronze", "silver", "silver__quarantine"), ("customer", "amount"))
    columns |= {"gold": ("customer", "total"), "running": ("customer", "count")}
    return {
        name: sorted((tuple(row[one] for one in names) for row in shop.rows(name, *names)), key=str)
        for name, names in columns.items()
    }


# Of the second batch: the commits of bronze, silver and its quarantine, and what the event log has of them.
@pytest.mark.parametrize("point", ["parse", "committed:1", "before-quarantine", "committed:3", "event-log-write:3"])
def test_update_after_a_kill_finishes_what_was_begun_and_counts_it_once(project: Project, point: str) -> None:
    project.write("source/a.py", SOURCE)
    land(project, "a.json", ("Ada", 5), ("Bo", 500))
    shop = project.settings()
    assert shop.update().state == "COMPLETED"
    land(project, "b.json", ("Ada", 7), (None, 1), ("Cy", 900))
    killed = killed_update(shop, point)
    assert killed.returncode == KILLED, f"{point} was never reached: {killed.stdout}{killed.stderr}"
    land(project, "c.json", ("Bo", 2))
    assert shop.update().state == "COMPLETED"
    good = [("Ada", 5), ("Ada", 7), ("Bo", 2), (None, 1)]
    assert stored(shop) == {
        "bronze": sorted([*good, ("Bo", 500), ("Cy", 900)], key=str),
        "silver": good,
        "silver__quarantine": [("Bo", 500), ("Cy", 900)],
        "gold": [("Ada", 12), ("Bo", 2), (None, 1)],
        "running": [("Ada", 2), ("Bo", 1), (None, 1)],
    }
    assert shop.counted_by_events(*STORED) == {name: len(shop.rows(name)) for name in STORED}
    judged = [rule for quality in shop.quality("silver") for rule in quality["expectations"]]
    counts = {
        name: [sum(rule[of] for rule in judged if rule["name"] == name) for of in ("passed_records", "failed_records")]
        for name in ("cheap", "known")
    }
    assert counts == {"cheap": [4, 2], "known": [5, 1]}


def test_replay_of_rejected_rows_is_refused_and_a_full_refresh_judges_them_again(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write("source/a.py", SOURCE)
    land(project, "a.json", ("Ada", 5), ("Bo", 500))
    shop = project.settings()
    assert shop.update().state == "COMPLETED"
    with pytest.raises(AuthorError, match=r"query of `silver` made.*--full-refresh silver"):
        shop.update(replay=ReplayRequest(quarantine="silver__quarantine"))
    at_home = ["--home", str(shop.home.root), "--pipeline", str(shop.settings_file)]
    assert run_command(app, "python -m pipeline", ["quarantine", "list", *at_home]) == 0
    assert "cheap" in capsys.readouterr().out
    assert run_command(app, "python -m pipeline", ["quarantine", "show", "1", *at_home]) == 2
    assert "no row with the record_id 1" in capsys.readouterr().err

    project.write("source/a.py", SOURCE.replace("amount < 100", "amount < 1000"))
    assert shop.update(full_refresh=("silver",)).state == "COMPLETED"
    found = stored(shop)
    assert found["silver"] == found["bronze"] == [("Ada", 5), ("Bo", 500)]
    assert found["silver__quarantine"] == []
    assert found["gold"] == [("Ada", 5), ("Bo", 500)]
    assert found["running"] == [("Ada", 1), ("Bo", 1)]


def test_files_are_not_read_again_one_by_one_but_by_a_full_refresh(project: Project) -> None:
    project.write("source/a.py", SOURCE)
    land(project, "a.json", ("Ada", 5), ("Bo", 500))
    shop = project.settings()
    assert shop.update().state == "COMPLETED"
    before = stored(shop)
    with pytest.raises(AuthorError, match=r"`bronze` has no record_id.*--full-refresh bronze"):
        shop.update(reprocess_files=("a.json",))
    assert stored(shop) == before

    land(project, "b.json", ("Cy", 3))
    assert shop.update(full_refresh=("bronze",)).state == "COMPLETED"
    assert stored(shop) == {
        "bronze": [("Ada", 5), ("Bo", 500), ("Cy", 3)],
        "silver": [("Ada", 5), ("Cy", 3)],
        "silver__quarantine": [("Bo", 500)],
        "gold": [("Ada", 5), ("Cy", 3)],
        "running": [("Ada", 1), ("Cy", 1)],
    }
