from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from generators.commands import app
from generators.faults import FAULTS
from generators.report import progress_bar
from pipeline.foundation.clock import FixedClock, SystemClock
from pipeline.foundation.command_line import run_command

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 1, 31, 10, 0, tzinfo=UTC)
SCENARIOS = ["batch", "late", "schema-change", "trigger-event"]


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    exit_code: int
    stdout: str
    stderr: str


def run(*arguments: str) -> Ended:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run_command(app, "python -m generators", arguments)
    return Ended(code, out.getvalue(), err.getvalue())


def run_json(home: Path, *arguments: str) -> dict[str, Any]:
    result = run(*arguments, "--json", "--home", str(home))
    assert result.exit_code == 0, result.stderr
    facts: dict[str, Any] = json.loads(result.stdout)
    return facts


def landed_bytes(home: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted((home / "landing" / "sensor_readings").iterdir())]


@pytest.mark.parametrize(("scenario", "files"), list(zip(SCENARIOS, [5, 1, 1, 1], strict=True)))
def test_scenario_without_options_lands_its_files_and_prints_the_truth(
    tmp_path: Path, scenario: str, files: int
) -> None:
    facts = run_json(tmp_path, scenario)
    records = [record for content in landed_bytes(tmp_path) for record in json.loads(content)]
    assert facts["scenario"] == scenario
    assert facts["folder"] == str(tmp_path / "landing" / "sensor_readings")
    assert facts["files"] == sorted(path.name for path in (tmp_path / "landing" / "sensor_readings").iterdir())
    assert (len(facts["files"]), facts["readings"]) == (files, files * 100)
    assert facts["hot"] == sum(record["temperature_celsius"] > 40 for record in records)
    assert facts["missing_device_id"] == sum("device_id" not in record for record in records)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario_with_the_same_seed_and_time_lands_the_same_bytes(tmp_path: Path, scenario: str) -> None:
    for home in ("one", "two"):
        run_json(tmp_path / home, scenario, "--seed", "3", "--at", "2026-01-31T10:00:00Z", "--records", "20")
    assert landed_bytes(tmp_path / "one") == landed_bytes(tmp_path / "two")


def test_batch_takes_every_option_of_the_contract(tmp_path: Path) -> None:
    options = "--files 2 --records 10 --devices 30 --seed 1 --at -6h --anomaly-rate 0 --format lines"
    facts = run_json(tmp_path, "batch", *options.split())
    assert (len(facts["files"]), facts["readings"], facts["hot"]) == (2, 20, 0)
    moment = json.loads(landed_bytes(tmp_path)[0].splitlines()[0])["timestamp"]
    age = SystemClock().now() - datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert timedelta(hours=6) < age < timedelta(hours=6, minutes=2)


def test_batch_prints_one_readable_line(tmp_path: Path) -> None:
    folder = tmp_path / "landing" / "sensor_readings"
    assert run("batch", "--seed", "1", "--home", str(tmp_path)).stdout == (
        f"batch: 5 files, 500 readings (25 anomalous, 25 over 40 °C, 5 without device_id) in {folder}\n"
    )


def test_batch_follows_the_environments_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMART_FACTORY_HOME", str(tmp_path))
    assert run("batch", "--files", "1").exit_code == 0
    assert len(landed_bytes(tmp_path)) == 1


def test_stream_for_a_duration_lands_its_rate(tmp_path: Path) -> None:
    facts = run_json(tmp_path, "stream", "--rate", "1000", "--for", "0.2s", "--interval", "0.1s")
    assert facts["readings"] == 200


def test_faults_lands_all_but_the_large_one_and_names_them(tmp_path: Path) -> None:
    facts = run_json(tmp_path, "faults", "--seed", "1")
    names = [fault["name"] for fault in facts["faults"]]
    assert names == [fault.name for fault in FAULTS if not fault.is_large]
    assert sorted(facts["files"]) == sorted(path.name for path in (tmp_path / "landing" / "sensor_readings").iterdir())


def test_faults_afterwards_overwrites_and_deletes_the_files_landed_for_it(tmp_path: Path) -> None:
    before = run_json(tmp_path, "faults")["files"]
    facts = run_json(tmp_path, "faults", "--afterwards")
    left = {path.name for path in (tmp_path / "landing" / "sensor_readings").iterdir()}
    assert [fault["name"] for fault in facts["faults"]] == ["overwritten_file", "deleted_file"]
    assert set(before) - left == {facts["files"][1]}


def test_faults_prints_each_name_and_its_description(tmp_path: Path) -> None:
    printed = run("faults", "--home", str(tmp_path)).stdout
    assert all(fault.name in printed for fault in FAULTS if not fault.is_large)


@pytest.mark.parametrize(
    "arguments",
    [
        ["batch", "--files", "0"],
        ["batch", "--files", "some"],
        ["batch", "--format", "csv"],
        ["batch", "--devices", "0"],
        ["batch", "--seed", "-1"],
        ["batch", "--at", "yesterday"],
        ["batch", "--at", "-99999999d"],
        ["batch", "--anomaly-rate", "2"],
        ["stream", "--rate", "-1"],
        ["stream", "--for", "long"],
        ["stream", "--interval", "0s"],
        ["overheat"],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_two_and_lands_nothing(tmp_path: Path, arguments: list[str]) -> None:
    result = run(*arguments, "--home", str(tmp_path))
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_home_that_cannot_be_written_ends_with_one_line_on_stderr(tmp_path: Path) -> None:
    (tmp_path / "landing").write_text("a file")
    result = run("batch", "--home", str(tmp_path))
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert "--home" in result.stderr


def test_failure_with_debug_shows_the_traceback_and_keeps_its_exit_code(tmp_path: Path) -> None:
    result = run("batch", "--files", "0", "--debug", "--home", str(tmp_path))
    assert result.exit_code == 2
    assert "Traceback" in result.stderr


@pytest.mark.parametrize(
    ("seconds", "is_terminal", "shows"),
    [(2, True, True), (0.5, True, False), (2, False, False)],
    ids=["slow in a terminal", "quick in a terminal", "slow in a pipe"],
)
def test_progress_bar_shows_only_in_a_terminal_and_after_a_second(
    *, seconds: float, is_terminal: bool, shows: bool
) -> None:
    clock, screen = FixedClock(NOW), io.StringIO()
    with progress_bar("batch", clock, Console(file=screen, force_terminal=is_terminal)) as on_file:
        clock.advance(timedelta(seconds=seconds))
        on_file(1, 5)
    printed = screen.getvalue()
    assert ("batch" in printed) == bool(printed) == shows


def test_stream_that_warms_up_lands_an_old_batch_once_and_readings_of_now_each_time(tmp_path: Path) -> None:
    def readings_of(label: str) -> list[dict[str, Any]]:
        files = (tmp_path / "landing" / "sensor_readings").glob(f"*-{label}-*.json")
        return [record for file in files for record in json.loads(file.read_bytes())]

    for _ in range(2):
        run_json(tmp_path, "stream", "--warm-up", "--rate", "50", "--for", "0.1s", "--anomaly-rate", "0")
    times = {record["timestamp"][:13] for record in readings_of("batch")}
    age = SystemClock().now().replace(tzinfo=None) - datetime.fromisoformat(min(times) + ":00:00")
    assert (len(readings_of("batch")), len(readings_of("stream"))) == (500, 2 * (15 + 5))
    assert timedelta(hours=5) < age < timedelta(hours=8)


def test_stream_that_warms_up_at_rate_zero_lands_the_old_batch_alone(tmp_path: Path) -> None:
    facts = run_json(tmp_path, "stream", "--warm-up", "--rate", "0", "--for", "0.1s")
    assert (len(landed_bytes(tmp_path)), facts["readings"]) == (5, 0)
