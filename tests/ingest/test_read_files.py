"""What each option of `read_files` does, on real tables."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.foundation.errors import AuthorError
from pipeline.ingest.evolution import NewColumnsError
from pipeline.ingest.schema_log import SchemaLog
from tests.conftest import NOON

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import TestLakehouse

    Things = Callable[[str], TestLakehouse]

pytestmark = pytest.mark.spark

DATA = ("a", "b", "_rescued_data")


def data_of(lakehouse: TestLakehouse, *columns: str) -> list[tuple[Any, ...]]:
    """Return the rows without what rescued data say of the file."""
    found = []
    for row in lakehouse.rows("things", *(columns or DATA)):
        values = dict(row)
        if values.get("_rescued_data"):
            rescued = json.loads(values["_rescued_data"])
            assert rescued.pop("_file_path").endswith(".json")
            values["_rescued_data"] = rescued
        found.append(tuple(values.values()))
    return found


def land_in_order(lakehouse: TestLakehouse, *contents: Any) -> None:
    for number, content in enumerate(contents):
        file = lakehouse.land(f"{number}.json", content, folder="things")
        os.utime(file, (1000 + number, 1000 + number))


def test_new_column_is_added_within_the_batch_and_the_log_names_the_file(things: Things) -> None:
    lakehouse = things('schema_hints="a STRING"')
    land_in_order(lakehouse, [{"a": "1", "c": None}], [{"a": "2", "b": 5, "d": True}], [{"a": "3", "b": 5.5, "e": {}}])
    assert lakehouse.update().state == "COMPLETED"
    assert data_of(lakehouse, "a", "b", "d", "e") == [
        ("1", None, None, None),
        ("2", 5.0, True, None),
        ("3", 5.5, None, "{}"),
    ]
    assert "c" not in lakehouse.columns("things")
    versions = SchemaLog(lakehouse.home.state / "schema_log" / "things" / "things").versions()
    brought = [{name: file.rsplit("/", 1)[-1] for name, file in version.added.items()} for version in versions]
    assert brought == [{"a": "schema_hints"}, {"b": "1.json", "d": "1.json", "e": "2.json"}]
    (metrics,) = lakehouse.metrics("things")
    assert metrics["num_files"] == 3


def test_rescue_adds_no_column_and_keeps_new_values(things: Things) -> None:
    lakehouse = things('schema_hints="a STRING, b DOUBLE", schema_evolution_mode="rescue"')
    land_in_order(lakehouse, [{"a": "1", "c": 5}, {"a": "2", "b": "cold"}])
    assert lakehouse.update().state == "COMPLETED"
    assert data_of(lakehouse) == [("1", None, {"c": 5}), ("2", None, {"b": "cold"})]
    assert "c" not in lakehouse.columns("things")


def test_none_ignores_new_values_and_misfits(things: Things) -> None:
    lakehouse = things('schema_hints="a STRING, b DOUBLE", schema_evolution_mode="none"')
    land_in_order(lakehouse, [{"a": "1", "c": 5}, {"a": "2", "b": "cold"}])
    assert lakehouse.update().state == "COMPLETED"
    assert data_of(lakehouse) == [("1", None, None), ("2", None, None)]


def test_fail_on_new_columns_stops_until_the_hint_comes_or_the_file_goes(things: Things) -> None:
    strict = 'schema_hints="a STRING{}", schema_evolution_mode="failOnNewColumns"'
    lakehouse = things(strict.format(""))
    land_in_order(lakehouse, [{"a": "0"}], [{"a": "1", "b": 5}])
    for _ in range(2):
        result = lakehouse.update()
        assert isinstance(result.errors["things"], NewColumnsError)
        assert "stops on new columns: `b` (in " in str(result.errors["things"])
        assert "1.json" in str(result.errors["things"])
        assert lakehouse.rows("things") == []
    things(strict.format(", b DOUBLE"))
    assert lakehouse.update().state == "COMPLETED"
    assert data_of(lakehouse) == [("0", None, None), ("1", 5.0, None)]
    file = lakehouse.land("2.json", [{"a": "2", "c": 5}], folder="things")
    assert lakehouse.update().state == "FAILED"
    file.unlink()
    assert lakehouse.update().state == "COMPLETED"
    assert len(lakehouse.rows("things")) == 2
    assert lakehouse.files("things")[str(file)].state == "missing"


def test_hint_that_changes_a_columns_type_is_refused_in_one_sentence(things: Things) -> None:
    lakehouse = things('schema_hints="a STRING"')
    land_in_order(lakehouse, [{"a": "1", "b": 5}])
    lakehouse.update()
    things('schema_hints="a STRING, b STRING"')
    with pytest.raises(Exception, match="schema_hints give `b STRING`, but the column is there as `b DOUBLE`"):
        lakehouse.update()


@pytest.mark.slow
def test_column_that_a_revert_took_away_comes_back_by_a_hint_of_the_same_type_alone(things: Things) -> None:
    lakehouse = things('schema_hints="a STRING"')
    log = SchemaLog(lakehouse.home.state / "schema_log" / "things" / "things")
    land_in_order(lakehouse, [{"a": "1", "b": 5}])
    lakehouse.update()
    reverted = log.revert(NOON)
    assert reverted is not None
    assert reverted.held_back == ("b",)
    lakehouse.land("1.json", [{"a": "2", "b": 6}], folder="things")
    assert lakehouse.update().state == "COMPLETED"
    assert data_of(lakehouse) == [("1", 5.0, None), ("2", None, {"b": 6})]

    lakehouse.land("2.json", [{"a": "3", "b": 7}], folder="things")
    for hint, said in (("b STRING", "there as `b DOUBLE`"), ("B DOUBLE", "there as `b DOUBLE`")):
        things(f'schema_hints="a STRING, {hint}"')
        with pytest.raises(AuthorError, match=f"schema_hints give `{hint}`, but the column is {said}"):
            lakehouse.update()
    things('schema_hints="a STRING, b DOUBLE"')
    assert lakehouse.update().state == "COMPLETED"
    assert data_of(lakehouse) == [("1", 5.0, None), ("2", None, {"b": 6}), ("3", 7.0, None)]
    latest = log.latest()
    assert latest is not None
    assert (latest.held_back, latest.added) == ((), {"b": "schema_hints"})
    ids = {row["a"]: row["record_id"] for row in lakehouse.rows("things")}
    assert lakehouse.update(reprocess_files=("1.json",)).state == "COMPLETED"
    assert data_of(lakehouse) == [("1", 5.0, None), ("2", 6.0, None), ("3", 7.0, None)]
    assert {row["a"]: row["record_id"] for row in lakehouse.rows("things")} == ids


def test_no_more_than_max_columns_are_taken_and_the_rest_is_rescued(things: Things) -> None:
    lakehouse = things('schema_hints="a STRING", max_columns=2')
    land_in_order(lakehouse, [{"a": "1", "b": 1, "c": 2, "B": 3, "x y": 4, "record_id": 5, "_rescued_data": 6}])
    lakehouse.update()
    rescued = {"c": 2, "B": 3, "x y": 4, "record_id": 5, "_rescued_data": 6}
    assert data_of(lakehouse) == [("1", 1.0, rescued)]


@pytest.mark.parametrize(
    ("option", "batches"),
    [
        pytest.param("max_files_per_trigger=2", [2, 2, 1], id="files"),
        pytest.param("max_bytes_per_trigger=250", [2, 1, 2], id="bytes"),
        pytest.param('max_bytes_per_trigger="1k", max_files_per_trigger=4', [4, 1], id="whichever_is_less"),
    ],
)
def test_batches_are_no_larger_than_asked_for_and_oldest_come_first(
    things: Things, option: str, batches: list[int]
) -> None:
    lakehouse = things(option)
    land_in_order(
        lakehouse,
        *(json.dumps([{"a": str(number)}]).ljust(length) for number, length in enumerate([100, 100, 300, 100, 100])),
    )
    assert lakehouse.update().state == "COMPLETED"
    assert [metrics["num_files"] for metrics in lakehouse.metrics("things")] == batches
    assert data_of(lakehouse, "a") == [(str(number),) for number in range(5)]
    taken = sorted((file.batch_id, path[-6:]) for path, file in lakehouse.files("things").items())
    assert [name for _, name in taken] == [f"{number}.json" for number in range(5)]


@pytest.mark.slow
@pytest.mark.parametrize("clean", ["archive", "delete"])
def test_cleaned_files_go_after_their_retention_and_once_committed(things: Things, clean: str) -> None:
    lakehouse = things(f'clean_source="{clean}", clean_source_retention="2h"')
    file = lakehouse.land("a.json", [{"a": "1"}], folder="things")
    aside = lakehouse.land("b.json.gz", b"no gzip", folder="things")
    lakehouse.update()
    lakehouse.clock.advance(timedelta(hours=1))
    lakehouse.update()
    assert file.exists()
    late = lakehouse.land("c.json", [{"a": "2"}], folder="things")
    lakehouse.clock.advance(timedelta(hours=1))
    lakehouse.update()
    assert (file.exists(), late.exists(), aside.exists()) == (False, True, True)
    archived = lakehouse.home.root / "archive" / "things" / "a.json"
    assert archived.exists() is (clean == "archive")
    if clean == "archive":
        lakehouse.update(full_refresh_all=True)
        assert data_of(lakehouse, "a") == [("1",), ("2",)]
        return
    with pytest.raises(Exception, match=r"would lose the rows of files .*: a\.json\."):
        lakehouse.update(full_refresh_all=True)
    assert data_of(lakehouse, "a") == [("1",), ("2",)]
    lakehouse.update(full_refresh_all=True, accept_loss=True)
    assert data_of(lakehouse, "a") == [("2",)]


def test_overwritten_file_is_read_again_where_that_is_allowed(things: Things) -> None:
    lakehouse = things("allow_overwrites=True")
    file = lakehouse.land("a.json", [{"a": "1"}, {"a": "2"}], folder="things")
    lakehouse.update()
    ids = {row["a"]: row["record_id"] for row in lakehouse.rows("things")}
    lakehouse.land("a.json", [{"a": "2"}, {"a": "3"}], folder="things")
    os.utime(file, (NOON.timestamp(), NOON.timestamp()))
    for _ in range(2):
        assert lakehouse.update().state == "COMPLETED"
        after = {row["a"]: row["record_id"] for row in lakehouse.rows("things")}
        assert set(after) == {"2", "3"}
        assert after["2"] == ids["2"]
    assert lakehouse.files("things")[str(file)].state == "ingested"
    assert lakehouse.counted_by_events("things") == {"things": 2}
