"""What `warn`, `drop`, `fail` and a threshold do to a batch, its flow and the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from deltalake import DeltaTable

from pipeline.delta.table import Table
from pipeline.flows.judged_write import ExpectationViolatedError
from tests.flows.checkout import TABLES, checkout, land
from tests.quality.suite_files import expectation, write_suite

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import TestLakehouse

pytestmark = [pytest.mark.spark, pytest.mark.slow]


def positive(action: str, **more: Any) -> dict[str, Any]:
    return expectation("column_values_to_be_between", "positive", action, column="amount", min_value=0, **more)


def uncommitted_files(table: Path) -> set[str]:
    committed = {uri.rsplit("/", 1)[-1] for uri in DeltaTable(table).file_uris()}
    return {file.name for file in table.glob("*.parquet")} - committed


SMALL = expectation("column_values_to_be_between", "small", "drop", column="amount", max_value=100)


@pytest.mark.usefixtures("amount")
def test_fail_rolls_its_batch_back_skips_what_is_downstream_and_leaves_its_evidence(
    lakehouse: TestLakehouse, tmp_path: Path
) -> None:
    shop = checkout(lakehouse, tmp_path, positive("fail"), SMALL)
    land(shop, "a.json", 1.0, None, 101.0)
    assert shop.update().state == "COMPLETED"
    land(shop, "b.json", 2.0, -1.0, 102.0)
    result = shop.update()
    assert result.state == "FAILED"
    assert result.statuses == {
        "raw": "COMPLETED",
        "checked": "FAILED",
        "rejected": "FAILED",
        "total": "SKIPPED",
        "raw_count": "COMPLETED",
    }
    error = result.errors["checked"]
    assert isinstance(error, ExpectationViolatedError)
    assert "1 of 3 rows violate `positive`; nothing of their batch was written" in str(error)
    assert [row["amount"] for row in shop.rows("checked", "amount")] == [1.0, None]
    assert [row["amount"] for row in shop.rows("rejected", "amount")] == [101.0]
    assert all(uncommitted_files(shop.path(name)) == set() for name in ("checked", "rejected"))
    assert shop.rows("total") == [{"amount": 1.0, "orders": 2}]
    assert shop.rows("raw_count") == [{"rows": 6}]
    told = shop.quality("checked")[-1]
    assert (told["dropped_records"], told["rolled_back"]) == (0, True)
    assert [(item["name"], item["action"], item["passed_records"], item["failed_records"]) for item in told["expectations"]] == [
        ("positive", "fail", 2, 1),
        ("small", "drop", 2, 1),
    ]  # fmt: skip
    assert [metrics["backlog_files"] > 0 for metrics in shop.metrics("checked")] == [False, True]
    assert [metrics["backlog_files"] for metrics in shop.metrics("raw")] == [0, 0]

    write_suite(tmp_path / "suites", "checked", positive("warn"), SMALL)
    assert shop.update().state == "COMPLETED"
    assert shop.rows("total") == [{"amount": 2.0, "orders": 4}]
    assert shop.counted_by_events(*TABLES) == {table: len(shop.rows(table)) for table in TABLES}
    assert sum(quality["dropped_records"] for quality in shop.quality("checked")) == len(shop.rows("rejected")) == 2


@pytest.mark.parametrize("action", ["warn", "fail"])
def test_threshold_lets_its_share_pass_and_stops_the_flow_above_it(
    lakehouse: TestLakehouse, tmp_path: Path, action: str
) -> None:
    shop = checkout(lakehouse, tmp_path, positive(action, fail_above="25%"))
    land(shop, "a.json", 1.0, 2.0, None, -1.0)
    assert shop.update().state == "COMPLETED"
    kept = {"warn": [-1.0, 1.0, 2.0, None], "fail": [1.0, 2.0, None]}[action]
    assert [row["amount"] for row in shop.rows("checked", "amount")] == kept
    assert len(shop.rows("checked")) + len(shop.rows("rejected")) == 4
    land(shop, "b.json", 3.0, -1.0, -2.0)
    result = shop.update()
    assert "2 of 3 rows violate `positive`" in str(result.errors["checked"])
    assert [row["amount"] for row in shop.rows("checked", "amount")] == kept


@pytest.mark.usefixtures("amount")
def test_rules_changed_between_the_two_commits_of_a_cut_batch_lose_and_double_no_row(
    lakehouse: TestLakehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = checkout(lakehouse, tmp_path, positive("drop"))
    land(shop, "a.json", 1.0, -1.0, 200.0)
    append = Table.append

    def fails_at_quarantine(self: Table, *given: Any, **options: Any) -> Any:
        if self.path.name == "rejected":
            raise OSError(28, "No space left on device")
        return append(self, *given, **options)

    with monkeypatch.context() as patched:
        patched.setattr(Table, "append", fails_at_quarantine)
        assert shop.update().state == "FAILED"
    write_suite(tmp_path / "suites", "checked", SMALL, positive("fail"))
    assert shop.update().state == "COMPLETED"
    assert [row["amount"] for row in shop.rows("checked", "amount")] == [1.0, 200.0]
    assert [row["amount"] for row in shop.rows("rejected", "amount")] == [-1.0]


@pytest.mark.usefixtures("amount")
def test_rule_that_python_computes_parts_rows_as_any_other(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    shop = checkout(
        lakehouse,
        tmp_path,
        expectation("column_values_to_be_json_parseable", "json", "drop", column="id"),
        expectation("column_values_to_match_strftime_format", "day", "warn", column="id", strftime_format="%d"),
    )
    shop.land("a.json", [{"id": text, "amount": 1.0} for text in ("1", "{", "77")], folder="orders")
    assert shop.update().state == "COMPLETED"
    assert {row["id"]: row["warnings"] for row in shop.rows("checked")} == {"1": [], "77": ["day"]}
    assert [(row["id"], row["failed_expectations"]) for row in shop.rows("rejected")] == [("{", ["json"])]
