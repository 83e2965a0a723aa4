"""The commands about files and their schema, from the command line to the tables."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.commands.app import app
from pipeline.commands.entry import run_command
from tests.conftest import reading, settings_without_verdicts

if TYPE_CHECKING:
    from tests.conftest import TestLakehouse

Captured = pytest.CaptureFixture[str]
BRONZE = "bronze_sensor_readings"


def pipeline(*words: str) -> int:
    return run_command(app, "python -m pipeline", words)


def printed(capsys: Captured, *words: str) -> Any:
    assert pipeline(*words) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.spark
@pytest.mark.slow
@pytest.mark.usefixtures("_kept_session")
def test_schema_shows_versions_and_revert_sends_new_values_to_rescued_data(
    lakehouse: TestLakehouse, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = ("--home", str(lakehouse.home.root))
    assert printed(capsys, "schema", "--json", *home) == []
    lakehouse.land("a.json", [reading(humidity_percent=40)])
    lakehouse.update()
    first, second = printed(capsys, "schema", "--json", *home)
    assert [column["brought_by"] for column in first["added"]] == ["schema_hints"] * 5
    assert (second["table"], second["version"], second["removed"]) == (BRONZE, 2, [])
    (column,) = second["added"]
    assert (column["name"], column["type"]) == ("humidity_percent", "double")
    assert column["brought_by"].endswith("/a.json")
    assert pipeline("schema", *home) == 0
    assert "+ humidity_percent double" in capsys.readouterr().out

    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert pipeline("schema", "revert", *home) == 1
    assert "Go on?" in capsys.readouterr().out
    assert len(printed(capsys, "schema", "--json", *home)) == 2
    assert pipeline("schema", *home, "revert", "--yes") == 0
    assert "is at version 3, without `humidity_percent`" in capsys.readouterr().out
    third = printed(capsys, "schema", "--json", *home)[-1]
    assert (third["removed"], third["held_back"]) == (["humidity_percent"], ["humidity_percent"])
    lakehouse.land("b.json", [reading("MFG-A-1001", humidity_percent=41)])
    lakehouse.update()
    lakehouse.assert_invariants()
    rows = lakehouse.rows(BRONZE, "device_id", "humidity_percent", "_rescued_data")
    assert [row["humidity_percent"] for row in rows] == [40.0, None]
    assert json.loads(rows[1]["_rescued_data"])["humidity_percent"] == 41
    assert pipeline("schema", "revert", "--yes", *home) == 2
    assert "There is nothing to revert" in capsys.readouterr().err


@pytest.mark.spark
@pytest.mark.slow
@pytest.mark.usefixtures("_kept_session")
def test_reprocess_and_run_options_reach_the_files_and_files_names_all(
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


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param([], "neither --file nor --since", id="nothing"),
        pytest.param(["--file", "none.json"], "No table has read these files: none.json.", id="unknown_file"),
        pytest.param(["--since", "lately"], "is neither a time nor a signed duration", id="no_time"),
    ],
)
def test_reprocess_of_what_is_not_there_ends_with_two_before_spark_starts(
    tmp_path: Any, capsys: Captured, words: list[str], said: str
) -> None:
    assert pipeline("reprocess", *words, "--home", str(tmp_path / "home")) == 2
    message = capsys.readouterr().err
    assert said in message
    assert message.count("\n") == 1
    assert not (tmp_path / "home").exists()
