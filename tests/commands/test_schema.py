"""`schema`: versions and their revert."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest

from tests.commands.cli import pipeline, printed
from tests.conftest import reading

if TYPE_CHECKING:
    from tests.conftest import TestLakehouse

Captured = pytest.CaptureFixture[str]
BRONZE = "bronze_sensor_readings"


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
    assert "Continue?" in capsys.readouterr().out
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
