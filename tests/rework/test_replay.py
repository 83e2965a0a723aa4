"""Quarantined rows sent through the rules again, with and without corrections, and after a kill."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.delta.table import Table
from pipeline.foundation.errors import AuthorError, UnknownNameError
from pipeline.home.intents import IntentFile
from pipeline.selection import ReplayRequest
from tests.conftest import reading

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import TestLakehouse

pytestmark = [pytest.mark.spark, pytest.mark.slow]

QUARANTINE = "silver_quarantined_sensors"
SILVER = "silver_cleaned_sensors"


@pytest.fixture
def rejected(lakehouse: TestLakehouse) -> dict[str, dict[str, Any]]:
    """A lakehouse with one good row and four rejected ones; the rejected, by the location that tells them apart."""
    rows = [reading()]
    rows += [reading(None, location="no device", temperature_celsius=41.0), reading("", location="blank device")]
    rows += [reading(at="12:30", location="no time"), reading(temperature_celsius=300.0, location="too hot")]
    lakehouse.land("a.json", rows)
    assert lakehouse.update().state == "COMPLETED"
    return {row["location"]: row for row in lakehouse.rows(QUARANTINE)}


def corrections(folder: Path, *lines: tuple[str, str, Any], kind: str = "csv") -> Path:
    file = folder / f"corrections.{kind}"
    if kind == "csv":
        text = "record_id,column,value\n" + "".join(f"{record},{column},{value}\n" for record, column, value in lines)
    else:
        names = ("record_id", "column", "value")
        text = "".join(json.dumps(dict(zip(names, line, strict=True))) + "\n" for line in lines)
    file.write_text(text, encoding="utf-8")
    return file


def test_replay_with_corrections_moves_what_now_passes_under_its_record_id_and_corrects_gold(
    lakehouse: TestLakehouse, rejected: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    ids = {place: row["record_id"] for place, row in rejected.items()}
    file = corrections(
        tmp_path,
        (ids["no device"], "device_id", "MFG-A-1000"),
        (ids["no device"], "location", "Factory Floor A"),
        (ids["too hot"], "temperature_celsius", "30.5"),
        (ids["no time"], "timestamp", "half past twelve"),
    )
    result = lakehouse.update(replay=ReplayRequest(QUARANTINE, corrections=file))
    assert (result.state, result.errors) == ("COMPLETED", {})
    lakehouse.assert_invariants()
    assert {row["location"] for row in lakehouse.rows(QUARANTINE)} == {"blank device", "no time"}
    moved = {row["record_id"]: row for row in lakehouse.rows(SILVER)}
    assert moved[ids["too hot"]]["temperature_celsius"] == 30.5
    assert (moved[ids["no device"]]["device_id"], moved[ids["no device"]]["warnings"]) == (
        "MFG-A-1000",
        ["high_temperature"],
    )
    gold = {row["location"]: row["reading_count"] for row in lakehouse.rows("gold_hourly_device_summary")}
    assert gold == {"Factory Floor A": 2, "too hot": 1}
    bronze = {row["record_id"]: row for row in lakehouse.rows("bronze_sensor_readings")}
    assert bronze[ids["no device"]]["device_id"] is None

    metrics = lakehouse.metrics(SILVER)[-1]
    assert (metrics["num_replayed_rows"], metrics["num_output_rows"], metrics["num_corrected_values"]) == (4, 2, 4)
    assert metrics["still_failing"] == {"valid_device_id": 1, "valid_event_timestamp": 1}
    assert (lakehouse.home.root / metrics["corrections_file"]).read_text() == file.read_text()
    quality = lakehouse.quality(SILVER)
    assert sum(item["warned_records"] for item in quality) == sum(bool(row["warnings"]) for row in moved.values())
    deleted = sum(metrics["num_deleted_rows"] for metrics in lakehouse.metrics(QUARANTINE))
    assert sum(item["dropped_records"] for item in quality) - deleted == len(lakehouse.rows(QUARANTINE))
    (action,) = [told for told in lakehouse.logged("user_action") if told["action"] == "REPLAY"]
    assert action["corrections"] == metrics["corrections_file"]

    versions = lakehouse.version(SILVER), lakehouse.version(QUARANTINE)
    assert lakehouse.update().state == "COMPLETED"
    assert (lakehouse.version(SILVER), lakehouse.version(QUARANTINE)) == versions


def test_replay_of_chosen_rows_leaves_the_others(
    lakehouse: TestLakehouse, rejected: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    ids = {place: row["record_id"] for place, row in rejected.items()}
    file = corrections(tmp_path, (ids["blank device"], "device_id", "MFG-A-1001"), kind="jsonl")
    request = ReplayRequest(QUARANTINE, (ids["blank device"], ids["too hot"]), ("valid_device_id",), file)
    assert lakehouse.update(replay=request).state == "COMPLETED"
    lakehouse.assert_invariants()
    assert lakehouse.metrics(SILVER)[-1]["num_replayed_rows"] == 1
    assert {row["location"] for row in lakehouse.rows(QUARANTINE)} == {"no device", "no time", "too hot"}


@pytest.mark.parametrize("moment", ["silver", "quarantine"])
def test_replay_cut_short_is_finished_by_the_next_update(
    lakehouse: TestLakehouse,
    rejected: dict[str, dict[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
) -> None:
    record_id = rejected["too hot"]["record_id"]
    file = corrections(tmp_path, (record_id, "temperature_celsius", 31))

    def killed(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    def killed_after(self: Table, *given: Any, **options: Any) -> Any:
        append(self, *given, **options)
        raise KeyboardInterrupt

    append = Table.append
    with monkeypatch.context() as patched:
        if moment == "silver":
            patched.setattr(Table, "append", killed_after)
        else:
            patched.setattr("pipeline.report.reporter.Reporter.batch_done", killed)
        assert lakehouse.update(replay=ReplayRequest(QUARANTINE, corrections=file)).state == "CANCELED"
    file.unlink()
    assert lakehouse.update().state == "COMPLETED"
    lakehouse.assert_invariants()
    assert record_id in {row["record_id"] for row in lakehouse.rows(SILVER)}
    assert lakehouse.metrics(SILVER)[-1]["num_output_rows"] == 1
    assert not IntentFile(lakehouse.home.state / "replay/smart_factory" / SILVER / "intent.json").read()


@pytest.mark.parametrize(
    "again",
    [
        pytest.param({"reprocess_files": ("a.json",)}, id="file_read_again"),
        pytest.param({"full_refresh": (SILVER,)}, id="table_filled_anew"),
    ],
)
def test_corrected_row_that_is_quarantined_again_is_corrected_again_and_no_other(
    lakehouse: TestLakehouse, rejected: dict[str, dict[str, Any]], tmp_path: Path, again: dict[str, Any]
) -> None:
    ids = {place: row["record_id"] for place, row in rejected.items()}
    file = corrections(tmp_path, (ids["too hot"], "temperature_celsius", 31), (ids["no time"], "timestamp", "noon"))
    assert lakehouse.update(replay=ReplayRequest(QUARANTINE, corrections=file)).state == "COMPLETED"
    assert ids["too hot"] in {row["record_id"] for row in lakehouse.rows(SILVER)}

    lakehouse.clock.advance(timedelta(minutes=1))
    assert lakehouse.update(**again).state == "COMPLETED"
    if "full_refresh" in again:
        # Only a whole update looks for what is due.
        assert lakehouse.update().state == "COMPLETED"
    lakehouse.assert_invariants()
    held = {row["record_id"]: row["temperature_celsius"] for row in lakehouse.rows(SILVER)}
    assert held[ids["too hot"]] == 31
    assert {row["location"] for row in lakehouse.rows(QUARANTINE)} == {"no device", "blank device", "no time"}
    assert lakehouse.metrics(SILVER)[-1]["num_corrected_values"] == 2
    lakehouse.clock.advance(timedelta(minutes=1))
    versions = lakehouse.version(SILVER), lakehouse.version(QUARANTINE)
    assert lakehouse.update().state == "COMPLETED"
    assert (lakehouse.version(SILVER), lakehouse.version(QUARANTINE)) == versions


def test_replay_that_asks_for_what_is_not_there_is_refused_and_changes_nothing(
    lakehouse: TestLakehouse, rejected: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    record_id = rejected["too hot"]["record_id"]
    for line, said in {
        (record_id, "temperatur", "1"): "`temperatur` is not a column that can be corrected; these are device_id, ",
        (record_id, "record_id", "x"): "`record_id` is not a column that can be corrected",
        (record_id, "temperature_celsius", "warm"): "'warm' for `temperature_celsius` .* is not a double",
        ("nobody", "device_id", "x"): "no row with the record_id nobody",
    }.items():
        with pytest.raises(AuthorError, match=said):
            lakehouse.update(replay=ReplayRequest(QUARANTINE, corrections=corrections(tmp_path, line)))
    with pytest.raises(UnknownNameError, match=f"Did you mean `{QUARANTINE}`"):
        lakehouse.update(replay=ReplayRequest("silver_quarantine_sensors"))
    assert len(lakehouse.rows(QUARANTINE)) == 4
    assert lakehouse.update().state == "COMPLETED"
    lakehouse.assert_invariants()
