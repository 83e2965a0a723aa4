"""Change tables from file to row: equal to the function of each key's events, however they are cut into batches."""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.declare.change_flow import DELETE, UPSERT
from pipeline.flows.dry_run import facts_of
from pipeline.flows.journal import UnorderedChangesError
from pipeline.flows.open import open_lakehouse
from pipeline.foundation.errors import AuthorError
from pipeline.selection import ReplayRequest
from pipeline.settings import load_settings
from tests.flows.changes_reference import Event, events_of_keys, newest_rows, versions
from tests.flows.registry import DELETES, RAW, land_changes, registry, stored
from tests.quality.suite_files import expectation

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import TestLakehouse

pytestmark = pytest.mark.spark


def upsert(key: str, number: int, *values: Any) -> Event:
    return Event(key, number, UPSERT, (*values, *[None] * (3 - len(values))))


def delete(key: str, number: int) -> Event:
    return Event(key, number, DELETE)


def facts(home: TestLakehouse, *names: str) -> list[tuple[int, ...]]:
    return [tuple(metrics[f"num_{name}_rows"] for name in names) for metrics in home.metrics("registry")]


def assert_counted(home: TestLakehouse) -> None:
    assert home.counted_by_events("changes", "registry") == {
        name: len(home.rows(name)) for name in ("changes", "registry")
    }


def test_history_of_devices_is_kept_whatever_the_order(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    home = registry(lakehouse, tmp_path, f"scd_type=2, {DELETES}")
    batches = [
        [upsert("A", 1, "North"), upsert("B", 1, "South"), upsert("C", 4, "North")],
        [upsert("A", 5, "South"), delete("B", 3), delete("C", 6)],
        [upsert("A", 3, "West"), upsert("A", 5, "South"), upsert("D", 1, "East"), upsert("C", 2, "North")],
    ]
    for number, batch in enumerate(batches):
        land_changes(home, f"{number}.json", batch)
        assert home.update().state == "COMPLETED"

    assert stored(home, of_versions=True) == versions([event for batch in batches for event in batch])
    assert facts(home, "upserted", "removed", "closed", "late", "ignored") == [
        (3, 0, 0, 0, 0), (1, 0, 3, 0, 0), (4, 1, 0, 3, 1)
    ]  # fmt: skip
    assert [metrics["num_input_rows"] for metrics in home.metrics("registry")] == [3, 3, 4]
    assert_counted(home)
    assert home.update().state == "COMPLETED"
    assert len(home.metrics("registry")) == 3


@pytest.mark.slow
@pytest.mark.usefixtures("amount")
@pytest.mark.parametrize(
    ("options", "ignore_null", "tracked"),
    [
        ("scd_type=1", False, None),
        ("scd_type=1, ignore_null_updates=True", True, None),
        ("scd_type=2", False, ("floor", "model", "limit")),
        ("scd_type=2, ignore_null_updates=True, track_history_except_column_list=['limit']", True, ("floor", "model")),
    ],
)
def test_registry_equals_the_reference_after_every_batch(
    lakehouse: TestLakehouse, tmp_path: Path, options: str, ignore_null: bool, tracked: tuple[str, ...] | None
) -> None:
    home = registry(lakehouse, tmp_path, f"{options}, {DELETES}")
    events = events_of_keys(Random(options), 500)
    seen: list[Event] = []
    for number, cut in enumerate((0, 900, 1_300, 1_310, len(events))):
        batch = events[len(seen) : cut]
        seen += batch
        if batch:
            land_changes(home, f"{number}.json", batch)
            assert home.update().state == "COMPLETED"
            if tracked is None:
                assert stored(home) == newest_rows(seen, ignore_null=ignore_null)
            else:
                assert stored(home, of_versions=True) == versions(seen, ignore_null=ignore_null, tracked=tracked)
    assert_counted(home)


@pytest.mark.slow
def test_truncate_empties_the_registry_up_to_its_place_in_the_order(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    home = registry(lakehouse, tmp_path, f"{DELETES}, apply_as_truncates=\"operation = 'truncate'\"")
    seen: list[Event] = []
    for number, batch in enumerate((
        [upsert("A", 1, "North"), upsert("B", 9, "South")],
        [Event("", 5, 2), upsert("C", 4, "East")],
        [upsert("D", 3, "East"), upsert("A", 6, "West")],
    )):  # fmt: skip
        seen += batch
        land_changes(home, f"{number}.json", batch)
        assert home.update().state == "COMPLETED"
        assert stored(home) == newest_rows(seen)
    assert_counted(home)


@pytest.mark.slow
def test_changes_without_key_or_sequence_stop_the_flow_and_are_counted(
    lakehouse: TestLakehouse, tmp_path: Path
) -> None:
    home = registry(lakehouse, tmp_path)
    land_changes(home, "a.json", [upsert("A", 1, "North")])
    home.update()
    home.land("b.json", [{"key": None, "number": 1}, {"key": "B"}, {"key": None}, {"key": "C", "number": 2}], "changes")
    result = home.update()

    error = result.errors["registry"]
    assert isinstance(error, UnorderedChangesError)
    assert (error.without_key, error.without_sequence) == (2, 2)
    assert "of its changes, 2 with NULL in `key` and 2 with NULL in `sequence_by`" in error.problem
    assert "`changes`" in error.remedy
    assert stored(home) == [("A", "North", None, None)]


@pytest.mark.slow
def test_column_that_appears_later_is_in_the_registry(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    home = registry(lakehouse, tmp_path, "scd_type=2")
    land_changes(home, "a.json", [upsert("A", 1, "North"), upsert("B", 1, "South")])
    home.update()
    home.land("b.json", [{"key": "A", "number": 2, "floor": "North", "line": "L1"}], "changes")
    assert home.update().state == "COMPLETED"
    land_changes(home, "c.json", [upsert("B", 3, "West")])
    assert home.update().state == "COMPLETED"

    assert stored(home, "key", "floor", "line", of_versions=True) == [
        ("A", "North", "L1", 2, None), ("A", "North", None, 1, 2),
        ("B", "South", None, 1, 3), ("B", "West", None, 3, None),
    ]  # fmt: skip
    assert_counted(home)


@pytest.mark.slow
def test_registry_is_filled_anew_by_a_full_refresh(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    home = registry(lakehouse, tmp_path, f"scd_type=2, {DELETES}")
    events = [upsert("A", 1, "North"), upsert("A", 4, "South"), delete("A", 6)]
    land_changes(home, "a.json", events)
    home.update()
    journals = home.home.table("plant", "registry").journals
    (before,) = journals.iterdir()
    assert home.update(full_refresh=("registry",)).state == "COMPLETED"

    (after,) = journals.iterdir()
    assert after != before
    assert stored(home, of_versions=True) == versions(events)
    assert_counted(home)


@pytest.mark.slow
def test_registry_that_is_declared_in_another_way_needs_a_full_refresh(
    lakehouse: TestLakehouse, tmp_path: Path
) -> None:
    home = registry(lakehouse, tmp_path, "scd_type=1")
    land_changes(home, "a.json", [upsert("A", 1, "North"), upsert("A", 2, "South")])
    home.update()
    home = registry(lakehouse, tmp_path, "scd_type=2")
    error = home.update().errors["registry"]
    assert "declared in another way" in error.problem
    assert "--full-refresh registry" in error.remedy
    assert stored(home) == [("A", "South", None, None)]
    assert home.update(full_refresh=("registry",)).state == "COMPLETED"
    assert stored(home, of_versions=True) == [("A", "North", None, None, 1, 2), ("A", "South", None, None, 2, None)]


@pytest.mark.slow
def test_file_that_is_read_again_corrects_the_registry(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    home = registry(lakehouse, tmp_path, f"scd_type=2, {DELETES}")
    land_changes(home, "a.json", [upsert("A", 1, "North"), upsert("B", 1, "South"), upsert("C", 1, "East")])
    land_changes(home, "b.json", [upsert("A", 3, "West"), delete("B", 3)])
    home.update()
    land_changes(home, "b.json", [upsert("A", 5, "West"), upsert("C", 6, "South")])
    assert home.update(reprocess_files=("b.json",)).state == "COMPLETED"

    kept = [upsert("A", 1, "North"), upsert("B", 1, "South"), upsert("C", 1, "East")]
    assert stored(home, of_versions=True) == versions([*kept, upsert("A", 5, "West"), upsert("C", 6, "South")])
    assert_counted(home)


def test_registry_cannot_be_read_as_a_stream(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    home = registry(lakehouse, tmp_path, more="@table\ndef copied():\n    return read_stream('registry')\n")
    with pytest.raises(AuthorError) as raised:
        home.update()
    assert "`copied` has the stream of `registry`, which replaces its rows" in raised.value.problem
    assert "A @materialized_view may read it with read()" in raised.value.remedy


def test_changes_from_a_table_with_state_are_refused(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    raw = RAW.replace("def changes", "def raw") + (
        "@temporary_view\ndef changes():\n    return read_stream('raw').dropDuplicates(['key'])\n"
    )
    home = registry(lakehouse, tmp_path, raw=raw)
    with pytest.raises(AuthorError, match="`registry` has dropDuplicates among its changes"):
        home.update()


def test_dry_run_says_that_a_registry_is_kept_by_key(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    home = registry(lakehouse, tmp_path, "scd_type=2")
    opened = open_lakehouse(home.spark, home.home, load_settings(home.settings_file), home.clock)
    (facts,) = [facts for facts in facts_of(opened) if facts["name"] == "registry"]
    assert (facts["kept"], facts["reads"]) == ("by key", ["changes"])
    assert facts["kept_because"].startswith("The changes of each key decide all its versions")
    assert facts["columns"] == ["key", "floor", "model", "limit", "__START_AT", "__END_AT"]


@pytest.mark.slow
def test_changes_of_two_sources_make_one_registry(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    more = RAW.replace("def changes", "def others").replace('"changes"', '"others"') + (
        'change_flow(target="registry", source="others", keys=["key"], sequence_by="number", scd_type=2,\n'
        f'    except_column_list=["number", "operation"], {DELETES})\n'
    )
    home = registry(lakehouse, tmp_path, f"scd_type=2, {DELETES}", more=more)
    ours, theirs = [upsert("A", 1, "North"), upsert("A", 5, "South")], [upsert("A", 3, "West"), delete("A", 7)]
    land_changes(home, "a.json", ours)
    home.update()
    assert stored(home, of_versions=True) == versions(ours)
    land_changes(home, "a.json", theirs, folder="others")
    assert home.update().state == "COMPLETED"
    assert stored(home, of_versions=True) == versions([*ours, *theirs])


@pytest.mark.slow
def test_quarantined_change_that_is_replayed_is_taken_as_a_late_one(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    known = expectation("column_values_to_not_be_null", "known", "drop", column="number")
    raw = RAW.replace("def changes", "def raw") + (
        '@table(expectations="changes", quarantine="rejected")\ndef changes():\n    return read_stream("raw")\n\n'
        '@table\ndef rejected():\n    return read_quarantine("changes")\n\n'
    )
    home = registry(lakehouse, tmp_path, f"scd_type=2, {DELETES}", raw=raw, changes=[known])
    kept = [upsert("A", 1, "North"), upsert("A", 5, "South")]
    land_changes(home, "a.json", kept)
    home.land("b.json", [{"key": "A", "floor": "West"}], "changes")
    home.update()
    (rejected,) = home.rows("rejected", "record_id")
    corrections = tmp_path / "corrections.jsonl"
    line = {"record_id": rejected["record_id"], "column": "number", "value": 3}
    corrections.write_text(json.dumps(line) + "\n", encoding="utf-8")
    result = home.update(replay=ReplayRequest("rejected", corrections=corrections))
    assert (result.state, result.errors) == ("COMPLETED", {})
    assert stored(home, of_versions=True) == versions([*kept, upsert("A", 3, "West")])
    assert home.counted_by_events("registry") == {"registry": 3}
