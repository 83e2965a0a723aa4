"""The command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from alerts.__main__ import app
from alerts.heartbeat import beat
from pipeline.foundation.clock import SystemClock
from pipeline.foundation.command_line import run_command
from pipeline.home.places import Home

ROOT = Path(__file__).resolve().parents[2]
NAME = "overheating_equipment"


@pytest.fixture(autouse=True)
def _environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("SMART_FACTORY_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SMART_FACTORY_HOME", str(tmp_path / "a home"))
    monkeypatch.setenv("SMART_FACTORY_WAREHOUSE_URL", "hive://127.0.0.1:1/smart_factory")


def main(words: list[str]) -> int:
    return run_command(app, "python -m alerts", words)


def printed_json(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    main([*words, "--json"])
    return json.loads(capsys.readouterr().out)


def test_check_with_the_warehouse_down_is_an_error_recorded_and_notified(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check"]) == 1
    captured = capsys.readouterr()
    assert "UNKNOWN → ERROR" in captured.out
    assert "Start it with `make warehouse`" in captured.out
    assert "sets no destination" in captured.err
    (row,) = printed_json(capsys, "history")
    assert (row["state"], row["notified"]) == ("ERROR", True)
    assert (tmp_path / "a home" / "state" / "alerts" / "outbox.jsonl").exists()


def test_check_as_json_prints_nothing_else_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    (evaluation,) = printed_json(capsys, "check", NAME, "--at", "+5h")
    assert (evaluation["key"], evaluation["state"], evaluation["previous_state"]) == (NAME, "ERROR", "UNKNOWN")


def test_check_with_a_pending_notification_fails_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SMART_FACTORY_ALERT_URLS", "json://user:topsecretword@127.0.0.1:1/")
    assert main(["check"]) == 1
    captured = capsys.readouterr()
    assert "1 not delivered" in captured.err
    assert "topsecretword" not in captured.out + captured.err


def test_history_as_a_table_and_for_one_alert(capsys: pytest.CaptureFixture[str]) -> None:
    main(["check"])
    capsys.readouterr()
    assert main(["history", NAME]) == 0
    assert "ERROR" in capsys.readouterr().out


def test_history_without_evaluations_is_an_empty_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed_json(capsys, "history") == []


def test_muted_alert_sends_nothing_until_unmuted(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed_json(capsys, "mute", NAME, "--for", "1h")["key"] == NAME
    assert printed_json(capsys, "check")[0]["notification_id"] is None
    assert main(["unmute", "Overheating Equipment Alert"]) == 0
    assert "no longer muted" in capsys.readouterr().out
    assert printed_json(capsys, "check")[0]["notified"] is True


def test_test_sends_a_marked_notification_and_records_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["test", NAME]) == 0
    assert "Sent to file state/alerts/outbox.jsonl." in capsys.readouterr().out
    line = json.loads((tmp_path / "a home" / "state" / "alerts" / "outbox.jsonl").read_text())
    assert line["subject"].startswith("[TEST]")
    assert not (tmp_path / "a home" / "smart_factory").exists()


def test_test_that_is_not_delivered_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("SMART_FACTORY_ALERT_URLS", "json://127.0.0.1:1/")
    assert main(["test", NAME]) == 1
    assert "did not accept" in capsys.readouterr().out


def test_health_follows_the_heartbeat(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["health"]) == 1
    beat(Home(tmp_path / "a home"), SystemClock().now(), {NAME: "OK"})
    assert main(["health"]) == 0
    capsys.readouterr()
    assert printed_json(capsys, "health")["states"] == {NAME: "OK"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["check", "overheating"], "Did you mean `overheating_equipment`?"),
        (["check", "--at", "tomorrow"], "neither a time"),
        (["mute", NAME, "--for", "long"], "is not a duration"),
        (["check", "--folder", "/nowhere"], "contains no alerts"),
        (["check", "--nonsense"], "--nonsense"),
        (["mute", NAME], "--for"),
        (["nonsense"], "nonsense"),
    ],
)
def test_wrong_usage_ends_with_two_and_one_message(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    captured = capsys.readouterr()
    assert says in captured.err
    assert "Traceback" not in captured.err


@pytest.mark.parametrize(
    ("name", "value"),
    [("SMART_FACTORY_ALERT_URLS", "nosuch://x"), ("SMART_FACTORY_WAREHOUSE_URL", "jdbc:x")],
)
def test_wrong_setting_ends_with_two(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, value)
    assert main(["check"]) == 2
    assert name in capsys.readouterr().err


def test_failure_with_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["health", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_watch_after_a_termination_signal_ends_cleanly(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "alerts", "watch", "--home", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as watch:
        assert watch.stdout is not None
        lines = iter(watch.stdout.readline, "")
        assert next(lines) == "Watching Overheating Equipment Alert.\n"
        next(line for line in lines if "ERROR" in line)
        watch.send_signal(signal.SIGTERM)
        assert list(lines)[-1] == "Stopped.\n"
    assert watch.returncode == 0
