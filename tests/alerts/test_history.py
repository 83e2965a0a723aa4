"""The table of evaluations."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
from deltalake import write_deltalake

from alerts.history import SCHEMA, History, Row
from pipeline.home.places import Home
from tests.alerts.doubles import NOON

if TYPE_CHECKING:
    from pathlib import Path


def row(number: int, alert: str = "Hot") -> Row:
    moment = NOON + number * timedelta(minutes=2)
    return Row(
        alert=alert,
        evaluated_at=moment,
        state="OK",
        value=str(number),
        rows=0,
        evaluation_id=f"e{number}",
        as_of=moment,
        severity="warning",
        reason="",
        row_states="{}",
        duration_ms=1,
    )


def test_history_without_a_table_is_empty(tmp_path: Path) -> None:
    history = History(Home(tmp_path), "plant")
    assert (history.latest("Hot"), history.newest(5), history.holds("e1")) == ([], [], False)


def test_latest_rows_of_an_alert_come_newest_first(tmp_path: Path) -> None:
    history = History(Home(tmp_path), "plant")
    for number, alert in enumerate(["Hot", "Cold", "Hot"]):
        history.append(row(number, alert))
    assert history.latest("Hot", 5) == [row(2), row(0)]
    assert [one.value for one in history.newest(2)] == ["2", "1"]


def test_marked_row_becomes_delivered_and_the_others_stay(tmp_path: Path) -> None:
    history = History(Home(tmp_path), "plant")
    history.append(row(0))
    history.append(row(1))
    history.mark_delivered("e0", "json://there, o'clock")
    second, first = history.latest("Hot", 2)
    assert (first.notified, first.destination) == (True, "json://there, o'clock")
    assert second == row(1)


def test_table_of_an_older_version_gains_the_columns_it_lacks(tmp_path: Path) -> None:
    home = Home(tmp_path)
    older = pa.schema([field for field in SCHEMA if field.name != "declaration"])
    values = row(0).model_dump(exclude={"declaration"})
    write_deltalake(home.schema("plant").alert_evaluations, pa.Table.from_pylist([values], schema=older))
    history = History(home, "plant")
    assert history.latest("Hot") == [row(0)]
    newer = row(1).model_copy(update={"declaration": "{}"})
    history.append(newer)
    assert history.latest("Hot", 5) == [newer, row(0)]
