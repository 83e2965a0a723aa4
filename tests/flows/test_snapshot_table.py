"""Tables that follow snapshots, declared in this engine's own words."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.flows.dry_run import facts_of
from pipeline.flows.open import open_lakehouse
from pipeline.foundation.errors import AuthorError, UnknownNameError
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import TestLakehouse

pytestmark = pytest.mark.spark

SOURCE = """
from pathlib import Path

from pyspark.sql import SparkSession

from pipeline import create_streaming_table, materialized_view, read, read_files, snapshot_table, table

FOLDER = Path(__file__).parent / "snapshots"


def following(version):
    number = (version or 0) + 1
    file = FOLDER / f"{{number}}.json"
    if file.exists():
        return SparkSession.active().read.schema("id STRING, city STRING").json(str(file)), number
    return None


@snapshot_table({options})
def registry():
    "What each device is."
"""


def home_of(lakehouse: TestLakehouse, folder: Path, options: str, more: str = "") -> TestLakehouse:
    (folder / "registry.py").write_text(SOURCE.format(options=options) + more, encoding="utf-8")
    settings = folder / "registry.yml"
    settings.write_text("name: R\nschema: plant\nsource: registry.py\nexpectations: suites\n", encoding="utf-8")
    (folder / "suites").mkdir(exist_ok=True)
    return replace(lakehouse, settings_file=settings)


def take(folder: Path, number: int, **cities: str) -> None:
    file = folder / "snapshots" / f"{number}.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text("\n".join(json.dumps({"id": key, "city": city}) for key, city in cities.items()), encoding="utf-8")


def stored(home: TestLakehouse) -> list[tuple[Any, ...]]:
    return sorted((tuple(row.values()) for row in home.rows("registry")), key=str)


FOLLOWING = 'source=following, keys=["id"], scd_type=2'


def test_registry_follows_the_snapshots_of_a_function(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    home = home_of(lakehouse, tmp_path, FOLLOWING)
    take(tmp_path, 1, A="Oslo", B="Rome")
    assert home.update().state == "COMPLETED"
    take(tmp_path, 2, A="Paris")
    take(tmp_path, 3)
    assert home.update().state == "COMPLETED"
    assert stored(home) == [("A", "Oslo", 1, 2), ("A", "Paris", 2, 3), ("B", "Rome", 1, 2)]
    assert home.counted_by_events("registry") == {"registry": 3}
    opened = open_lakehouse(home.spark, home.home, load_settings(home.settings_file), home.clock)
    [facts] = facts_of(opened)
    assert (facts["kept"], facts["columns"]) == ("by key", ["id", "city", "__START_AT", "__END_AT"])
    assert facts["kept_because"].startswith("Each snapshot is compared with what the table holds")


@pytest.mark.slow
def test_registry_is_filled_anew_by_a_full_refresh_and_after_another_declaration(
    lakehouse: TestLakehouse, tmp_path: Path
) -> None:
    home = home_of(lakehouse, tmp_path, FOLLOWING)
    take(tmp_path, 1, A="Oslo")
    take(tmp_path, 2, A="Rome")
    home.update()
    assert home.update(full_refresh=("registry",)).state == "COMPLETED"
    assert stored(home) == [("A", "Oslo", 1, 2), ("A", "Rome", 2, None)]
    home = home_of(lakehouse, tmp_path, 'source=following, keys=["id"]')
    error = home.update().errors["registry"]
    assert "are declared in another way" in error.problem
    assert "--full-refresh registry" in error.remedy
    assert home.update(full_refresh=("registry",)).state == "COMPLETED"
    assert home.rows("registry", "id", "city") == [{"id": "A", "city": "Rome"}]
    assert home.counted_by_events("registry") == {"registry": 1}


@pytest.mark.slow
def test_registry_gets_a_history_by_a_full_refresh(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    home = home_of(lakehouse, tmp_path, 'source=following, keys=["id"]')
    take(tmp_path, 1, A="Oslo")
    take(tmp_path, 2, A="Rome")
    home.update()
    assert stored(home) == [("A", "Rome")]
    home = home_of(lakehouse, tmp_path, FOLLOWING)
    assert home.update(full_refresh=("registry",)).state == "COMPLETED"
    assert stored(home) == [("A", "Oslo", 1, 2), ("A", "Rome", 2, None)]
    assert home.counted_by_events("registry") == {"registry": 2}


@pytest.mark.slow
def test_snapshot_that_was_committed_before_a_kill_is_not_taken_again(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    home = home_of(lakehouse, tmp_path, FOLLOWING)
    take(tmp_path, 1, A="Oslo")
    home.update()
    [file] = home.home.table("plant", "registry").checkpoints.glob("*/snapshots.json")
    before = json.loads(file.read_text(encoding="utf-8"))
    take(tmp_path, 2, A="Rome")
    home.update()
    after = json.loads(file.read_text(encoding="utf-8"))
    # As a kill leaves it that comes after the commit.
    file.write_text(json.dumps({**before, "planned": after["done"]}), encoding="utf-8")
    take(tmp_path, 3, A="Nice")
    assert home.update().state == "COMPLETED"
    assert stored(home) == [("A", "Nice", 3, None), ("A", "Oslo", 1, 2), ("A", "Rome", 2, 3)]
    assert [metrics["version"] for metrics in home.metrics("registry")] == ["1", "2", "3"]
    file.unlink()
    assert "Nothing says which snapshots" in home.update().errors["registry"].problem


PERIODIC = """
@table
def devices():
    return read_files("devices", schema_hints="id STRING, city STRING, at INT")


@materialized_view
def newest():
    return read("devices").groupBy("id").agg({"city": "max"}).toDF("id", "city")
"""


def test_registry_follows_a_dataset_of_the_pipeline(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    home = home_of(lakehouse, tmp_path, 'source="newest", keys=["id"]', PERIODIC)
    home.land("a.json", [{"id": "A", "city": "Oslo"}, {"id": "B", "city": "Rome"}], "devices")
    assert home.update().state == "COMPLETED"
    home.land("b.json", [{"id": "A", "city": "Paris"}], "devices")
    assert home.update().state == "COMPLETED"
    assert stored(home) == [("A", "Paris"), ("B", "Rome")]
    assert [metrics["num_upserted_rows"] for metrics in home.metrics("registry")] == [2, 1]


@pytest.mark.parametrize(
    ("options", "kind", "said"),
    [
        pytest.param('source=3, keys=["id"]', AuthorError, "`source` must be the name of a dataset", id="source"),
        pytest.param('source="newest", keys=[]', AuthorError, "has no `keys`", id="keys"),
        pytest.param('source="newest", keys=["id"], nothing=1', UnknownNameError, "nothing", id="option"),
    ],
)
def test_snapshots_that_cannot_be_followed_are_refused(
    lakehouse: TestLakehouse, tmp_path: Path, options: str, kind: type[Exception], said: str
) -> None:
    home = home_of(lakehouse, tmp_path, options, PERIODIC)
    with pytest.raises(kind, match=said):
        home.update()


def test_table_that_another_flow_changes_too_cannot_follow_snapshots(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    more = '\nfrom pipeline import change_flow\nchange_flow(target="registry", source="devices", keys=["id"], sequence_by="at")\n'
    home = home_of(lakehouse, tmp_path, 'source="newest", keys=["id"]', PERIODIC + more)
    with pytest.raises(AuthorError, match="`registry` follows snapshots, and another flow changes it too"):
        home.update()
