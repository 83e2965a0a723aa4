"""Random histories through AUTO CDC, in many batches and in any order, compared with references in plain Python."""

from __future__ import annotations

import itertools
import json
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipeline.declare.change_flow import TRUNCATE
from tests.databricks.conftest import Project
from tests.flows.changes_reference import COLUMNS, Event, events_of_keys, newest_rows, versions

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.conftest import TestLakehouse

pytestmark = [pytest.mark.spark, pytest.mark.slow]

# An example takes several updates, so a failure is not made smaller: its seed says enough.
examples = settings(
    max_examples=2,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
_numbers = itertools.count()

PYTHON = """
import dlt
from pyspark import pipelines as dp
from pyspark.sql.functions import col, expr, struct

HINTS = "key STRING, number INT, operation STRING, floor STRING, model STRING, `limit` INT"


@dlt.table
def arrived():
    reader = spark.readStream.format("cloudFiles").option("cloudFiles.format", "json")
    reader = reader.option("cloudFiles.schemaHints", HINTS).option("cloudFiles.maxFilesPerTrigger", 2)
    return reader.load("/Volumes/main/shop/raw").drop("_rescued_data")


@dlt.view
def changes():
    return dlt.read_stream("arrived").where("operation <> 'truncate'")


SHARED = {"keys": ["key"], "except_column_list": ["number", "operation"], "apply_as_deletes": "operation = 'delete'"}

dlt.create_streaming_table("newest")
dlt.apply_changes(
    target="newest", source="arrived", sequence_by="number", apply_as_truncates=expr("operation = 'truncate'"), **SHARED
)

dp.create_streaming_table("merged")
dp.create_auto_cdc_flow("merged", "changes", sequence_by=col("number"), ignore_null_updates=True, **SHARED)

dp.create_streaming_table("versions")
dp.create_auto_cdc_flow("versions", "changes", sequence_by=struct("number"), stored_as_scd_type=2, **SHARED)
"""
SQL = """
CREATE OR REFRESH STREAMING TABLE floors;
CREATE FLOW of_floors AS AUTO CDC INTO floors FROM STREAM(changes) KEYS (key)
APPLY AS DELETE WHEN operation = 'delete' SEQUENCE BY number COLUMNS * EXCEPT (number, operation)
STORED AS SCD TYPE 2 TRACK HISTORY ON floor;

CREATE OR REFRESH STREAMING TABLE filled;
APPLY CHANGES INTO LIVE.filled FROM STREAM(LIVE.changes) KEYS (key) IGNORE NULL UPDATES
APPLY AS DELETE WHEN operation = 'delete' SEQUENCE BY number COLUMNS (key, floor, model, limit) STORED AS SCD TYPE 2
"""
OPERATIONS = ("upsert", "delete", "truncate")


def new_project(lakehouse: TestLakehouse) -> Project:
    """Return a project with a home of its own: an example must not find another one's tables."""
    name = f"example {next(_numbers)}"
    return Project(lakehouse.home.root.with_name(f"{name} source"), lakehouse.beside(name))


def land(project: Project, name: str, events: Iterable[Event]) -> None:
    lines = [
        {"key": event.key or None, "number": event.sequence, "operation": OPERATIONS[event.operation]}
        | dict(zip(COLUMNS, event.values, strict=True))
        for event in events
    ]
    project.write(f"raw/{name}.json", json.dumps(lines))


def stored(shop: TestLakehouse, table: str, *times: str) -> list[tuple[Any, ...]]:
    rows = [tuple(row[name] for name in ("key", *COLUMNS, *times)) for row in shop.rows(table)]
    return sorted((tuple(plain(value) for value in row) for row in rows), key=str)


def plain(value: Any) -> Any:
    return value["number"] if isinstance(value, dict) else value


def pieces(dice: Random, items: Sequence[Any], count: int) -> list[Sequence[Any]]:
    """Return items cut into so many pieces at random places; some may be empty."""
    cuts = [0, *sorted(dice.randint(0, len(items)) for _ in range(count - 1)), len(items)]
    return [items[first:last] for first, last in itertools.pairwise(cuts)]


@examples
@given(seed=st.integers(0, 2**32))
def test_tables_equal_the_references_however_changes_arrive(lakehouse: TestLakehouse, seed: int) -> None:
    dice = Random(seed)
    project = new_project(lakehouse)
    project.write("source/registry.py", PYTHON)
    project.write("source/registry.sql", SQL)
    shop = project.settings()
    events = events_of_keys(dice, 60, truncates=dice.choice([0, 0, 1]))
    seen: list[Event] = []
    for update, batch in enumerate(pieces(dice, events, 3)):
        for number, file in enumerate(pieces(dice, batch, 3)):
            if file or not seen:
                land(project, f"{update}-{number}", file)
        seen += batch
        assert shop.update().state == "COMPLETED"
        changes = [event for event in seen if event.operation != TRUNCATE]
        times = ("__START_AT", "__END_AT")
        assert stored(shop, "newest") == newest_rows(seen)
        assert stored(shop, "merged") == newest_rows(changes, ignore_null=True)
        assert stored(shop, "versions", *times) == versions(changes)
        assert stored(shop, "floors", *times) == versions(changes, tracked=("floor",))
        assert stored(shop, "filled", *times) == versions(changes, ignore_null=True)
    tables = ("arrived", "newest", "merged", "versions", "floors", "filled")
    assert shop.counted_by_events(*tables) == {table: len(shop.rows(table)) for table in tables}


SNAPSHOTS = """
import dlt


def following(version):
    number = (version or 0) + 1
    if not any(file.name == f"{number}.json" for file in dbutils.fs.ls("/Volumes/main/shop/raw")):
        return None
    schema = "key STRING, floor STRING, model STRING, `limit` INT"
    return spark.read.schema(schema).json(f"/Volumes/main/shop/raw/{number}.json"), number


for name, kind, tracked in (("newest", 1, None), ("versions", "2", None), ("floors", 2, ["floor"])):
    dlt.create_streaming_table(name)
    dlt.apply_changes_from_snapshot(
        target=name, source=following, keys=["key"], stored_as_scd_type=kind, track_history_column_list=tracked
    )
"""
Snapshot = dict[str, tuple[Any, ...]]


def snapshot_after(dice: Random, before: Snapshot) -> Snapshot:
    """Return a snapshot in which some keys are gone, some are new, and some have other values."""
    values: tuple[list[Any], ...] = (["North", "South", None], ["M1", None], [40, 50])
    keys = [f"K{number}" for number in range(40)]
    kept = {key: row for key, row in before.items() if dice.random() < 0.9}
    return kept | {key: tuple(map(dice.choice, values)) for key in keys if dice.random() < 0.3}


def versions_of(snapshots: Sequence[Snapshot], tracked: Sequence[int] = (0, 1, 2)) -> list[tuple[Any, ...]]:
    """Return what a table of type 2 holds after snapshots whose versions count from 1."""
    found, held = [], dict[str, tuple[tuple[Any, ...], int]]()
    for version, snapshot in enumerate(snapshots, start=1):
        for key in {*held, *snapshot}:
            old, start = held.get(key, (None, version))
            new = snapshot.get(key)
            if old is not None and (new is None or any(old[place] != new[place] for place in tracked)):
                found.append((key, *old, start, version))
                start = version
            held.pop(key, None)
            if new is not None:
                held[key] = new, start
    return sorted([*found, *((key, *row, start, None) for key, (row, start) in held.items())], key=str)


@examples
@given(seed=st.integers(0, 2**32))
def test_tables_equal_the_references_after_random_snapshots(lakehouse: TestLakehouse, seed: int) -> None:
    dice = Random(seed)
    project = new_project(lakehouse)
    project.write("source/registry.py", SNAPSHOTS)
    shop = project.settings()
    taken: list[Snapshot] = []
    for count in (1, 2, 1):
        for _ in range(count):
            taken.append(snapshot_after(dice, taken[-1] if taken else {}))
            rows = [dict(zip(("key", *COLUMNS), (key, *row), strict=True)) for key, row in taken[-1].items()]
            project.write(f"raw/{len(taken)}.json", "\n".join(map(json.dumps, rows)))
        assert shop.update().state == "COMPLETED"
        times = ("__START_AT", "__END_AT")
        assert stored(shop, "newest") == sorted(((key, *row) for key, row in taken[-1].items()), key=str)
        assert stored(shop, "versions", *times) == versions_of(taken)
        assert stored(shop, "floors", *times) == versions_of(taken, tracked=(0,))
    tables = ("newest", "versions", "floors")
    assert shop.counted_by_events(*tables) == {table: len(shop.rows(table)) for table in tables}
