"""`reprocess` and `files`, from the command line to the tables."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.home.places import Home
from tests.commands.cli import pipeline, printed
from tests.conftest import reading, settings_without_verdicts

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import TestLakehouse

Captured = pytest.CaptureFixture[str]
BRONZE = "bronze_sensor_readings"


@pytest.mark.spark
@pytest.mark.slow
@pytest.mark.usefixtures("_kept_session")
def test_reprocess_and_run_options_select_files_and_files_lists_them(
    lakehouse: TestLakehouse, capsys: Captured
) -> None:
    home = ("--home", str(lakehouse.home.root), "--pipeline", str(settings_without_verdicts(lakehouse.home)))
    landed = lakehouse.land("a.json", json.dumps([reading(), {"odd": {}}, 5]))
    lakehouse.land("b.json.gz", b"no gzip")
    assert pipeline("run", *home) == 0
    lakehouse.land("c.json", "[]")
    capsys.readouterr()
    ingested, aside, waiting = sorted(printed(capsys, "files", "--json", *home), key=lambda file: file["path"])
    assert {key: ingested[key] for key in ("table", "state", "rows", "corrupt_rows", "rescued_rows", "error")} == {
        "table": BRONZE,
        "state": "ingested",
        "rows": 3,
        "corrupt_rows": 1,
        "rescued_rows": 0,
        "error": None,
    }
    assert ingested["size_bytes"] == landed.stat().st_size
    assert ingested["discovered_at"] <= ingested["committed_at"]
    assert (aside["state"], aside["error"]) == ("set aside", "BadGzipFile: Not a gzipped file (b'no')")
    assert (waiting["state"], waiting["committed_at"]) == ("waiting", None)
    assert pipeline("files", *home) == 0
    shown = capsys.readouterr().out
    assert "3 files (1 ingested, 1 set aside, 1 waiting)" in shown
    assert all(heading in shown for heading in ("bytes", "corrupt", "rescued", "discovered", "committed", "error"))

    before = {row["record_id"] for row in lakehouse.rows(BRONZE)}
    version = lakehouse.version(BRONZE)
    for words in (("--file", "a.json"), ("--file", str(landed)), ("--since", "-1h")):
        assert pipeline("reprocess", *words, *home) == 0
        lakehouse.assert_invariants()
        assert {row["record_id"] for row in lakehouse.rows(BRONZE)} == before
        assert lakehouse.version(BRONZE) > version
        version = lakehouse.version(BRONZE)
    assert pipeline("run", "--retry-files", *home) == 0
    assert lakehouse.version(BRONZE) > version
    landed.unlink()
    capsys.readouterr()
    assert pipeline("run", "--full-refresh-all", "--yes", *home) == 1
    assert "--accept-loss" in capsys.readouterr().err
    assert pipeline("run", "--full-refresh-all", "--yes", "--accept-loss", *home) == 0
    lakehouse.assert_invariants()
    assert lakehouse.rows(BRONZE) == []


def test_files_that_no_option_takes_are_listed_with_the_reason(tmp_path: Path, capsys: Captured) -> None:
    landing = Home(tmp_path).landing_of("sensor_readings")
    (landing / "day").mkdir(parents=True)
    for name in ("a.json", "b.csv", "day/c.json", ".d.json"):
        (landing / name).touch()
    listed = printed(capsys, "files", "--json", "--home", tmp_path)
    assert {file["path"].removeprefix(f"{landing}/"): (file["state"], file["error"]) for file in listed} == {
        "a.json": ("waiting", None),
        "b.csv": ("ignored", "its name does not end in .json, alone or with .gz, .bz2, .zst"),
        "day/c.json": ("ignored", "it is in a sub-folder, and recursive_file_lookup is off"),
    }
    assert pipeline("files", "--home", tmp_path) == 0
    shown = capsys.readouterr().out
    assert "3 files" in shown
    assert "day/c.json" in shown
    assert pipeline("reprocess", "--file", "b.csv", "--home", tmp_path) == 2
    assert "No table has read these files: b.csv." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param([], "neither --file nor --since", id="nothing"),
        pytest.param(["--file", "none.json"], "No table has read these files: none.json.", id="unknown_file"),
        pytest.param(["--since", "lately"], "is neither a time nor a signed duration", id="no_time"),
    ],
)
def test_reprocess_of_unknown_files_ends_with_two_before_spark_starts(
    tmp_path: Any, capsys: Captured, words: list[str], said: str
) -> None:
    assert pipeline("reprocess", *words, "--home", str(tmp_path / "home")) == 2
    message = capsys.readouterr().err
    assert said in message
    assert message.count("\n") == 1
    assert not (tmp_path / "home").exists()
