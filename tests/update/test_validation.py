"""Whole tables judged by Great Expectations, in an update and on request."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.flows.open import open_lakehouse
from pipeline.foundation.errors import AuthorError
from pipeline.quality.rules import Suite, TableExpectation
from pipeline.quality.tables.table_judge import TableJudge
from pipeline.quality.tables.table_verdict import Judged, unknown, verdicts_of
from pipeline.settings import load_settings
from pipeline.update.validation import TableExpectationError
from tests.conftest import reading
from tests.flows.checkout import checkout, land
from tests.quality.suite_files import expectation, write_suite

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from tests.conftest import TestLakehouse

pytestmark = [pytest.mark.spark, pytest.mark.slow]

UNIQUE = expectation("column_values_to_be_unique", "unique_id", "fail", column="id")


def of_tables(home: TestLakehouse, table: str) -> list[dict[str, bool | None]]:
    """Return each judgement of a whole table: True, False, or None for unknown."""
    found = []
    for quality in home.quality(table):
        items = [item for item in quality["expectations"] if item["scope"] == "table"]
        if items:
            verdicts = {(1, 0): True, (0, 1): False}
            found.append(
                {item["name"]: verdicts.get((item["passed_records"], item["failed_records"])) for item in items}
            )
    return found


def test_update_judges_the_tables_that_it_changed_or_that_may_be_stale(lakehouse: TestLakehouse) -> None:
    home = replace(lakehouse, table_expectations="after_update")
    home.land("a.json", [reading(), reading("MFG-A-1001")])
    assert home.update().state == "COMPLETED"
    assert of_tables(home, "bronze_sensor_readings") == [
        dict.fromkeys(("unique_record_id", "known_source_file", "not_empty", "raw_columns", "fresh_arrivals"), True)
    ]
    names = ("unique_key", "counted_readings", "some_hours", "summary_columns", "fresh_hours", "usual_temperatures")
    assert of_tables(home, "gold_hourly_device_summary") == [dict.fromkeys(names, True)]
    home.assert_invariants()

    assert home.update().state == "COMPLETED"
    assert len(of_tables(home, "bronze_sensor_readings")) == 1
    home.clock.advance(timedelta(days=2))
    home.update()
    assert of_tables(home, "bronze_sensor_readings")[1]["fresh_arrivals"] is False
    assert of_tables(home, "gold_hourly_device_summary")[1]["fresh_hours"] is False


def test_second_update_has_tables_judged_and_imports_no_great_expectations(lakehouse: TestLakehouse) -> None:
    lakehouse.land("a.json", [reading()])
    lakehouse.update()
    lakehouse.land("b.json", [reading()])
    program = """
import sys
from pipeline.commands.app import app
from pipeline.foundation.command_line import run_command
assert run_command(app, "run", ["run", "--json", "--home", sys.argv[1]]) == 0
assert not [name for name in sys.modules if name.startswith("great_expectations")]
"""
    subprocess.run([sys.executable, "-c", program, str(lakehouse.home.root)], check=True, stdout=subprocess.DEVNULL)
    assert len(lakehouse.rows("bronze_sensor_readings")) == 2
    assert of_tables(lakehouse, "bronze_sensor_readings")[0]["unique_record_id"] is True


def test_kept_judge_serves_the_next_update_and_a_dead_process_is_replaced(lakehouse: TestLakehouse) -> None:
    judge = TableJudge(lakehouse.home, load_settings().expectations, lambda: lakehouse.spark)
    home = replace(lakehouse, table_expectations="after_update", judge=judge)
    processes = []
    try:
        for name in ("a.json", "b.json", "c.json"):
            home.land(name, [reading()])
            assert home.update().state == "COMPLETED"
            process = judge._process
            assert process is not None
            processes.append(process)
            if name == "b.json":
                process.kill()
                process.wait()
        assert [processes[0] is processes[1], processes[1] is processes[2]] == [True, False]
        assert all(verdicts["unique_record_id"] for verdicts in of_tables(home, "bronze_sensor_readings"))
        assert len(of_tables(home, "bronze_sensor_readings")) == 3
    finally:
        judge.close()
    assert [process.poll() is None for process in processes] == [False] * 3


def test_large_table_is_judged_once_it_has_grown_by_a_tenth_or_a_day_has_passed(lakehouse: TestLakehouse) -> None:
    home = replace(lakehouse, table_expectations="after_update", table_expectations_rows=10)
    judged = []
    for name, readings in [("a.json", 20), ("b.json", 1), ("c.json", 1), ("d.json", 1)]:
        home.land(name, [reading() for _ in range(readings)])
        assert home.update().state == "COMPLETED"
        judged.append(len(of_tables(home, "bronze_sensor_readings")))
    # 20 rows, 21, 22: no more than a tenth above 20; 23 are.
    assert judged == [1, 1, 1, 2]
    # Gold has one row for all of them: small, and changed each time.
    assert len(of_tables(home, "gold_hourly_device_summary")) == 4

    home.clock.advance(timedelta(days=1))
    home.land("e.json", [reading()])
    home.update()
    assert len(of_tables(home, "bronze_sensor_readings")) == 3


def test_each_version_of_a_table_gets_its_own_verdict_after_other_questions(
    lakehouse: TestLakehouse, tmp_path: Path
) -> None:
    shop = checkout(lakehouse, tmp_path, UNIQUE)
    for name in ("a.json", "b.json"):
        land(shop, name, 1.0)
        assert shop.update().state == "COMPLETED"
    settings = load_settings(shop.settings_file)
    suite = open_lakehouse(shop.spark, shop.home, settings, shop.clock).suites["checked"]
    judge = TableJudge(shop.home, settings.expectations, lambda: shop.spark)
    path, now = shop.path("checked"), shop.clock.now()
    later = now + timedelta(minutes=1)

    def verdict(version: int) -> tuple[bool | None, timedelta]:
        judged = judge.judge(path, version, suite, later)
        return judged.verdicts[0].passed, later - judged.at

    try:
        judge.begin(path, 1, suite, now)
        judge.forget()
        # The answer that nobody waits for any more comes first.
        after_forgotten = [verdict(0), verdict(1)]
        judge.begin(path, 1, suite, now)
        after_begun = [verdict(0), verdict(1), verdict(1)]
    finally:
        judge.close()
    minute, none = timedelta(minutes=1), timedelta()
    assert after_forgotten == [(True, none), (False, none)]
    assert after_begun == [(True, none), (False, minute), (False, none)]


def test_verdicts_have_the_number_of_rows_that_break_an_expectation_and_examples(
    lakehouse: TestLakehouse, tmp_path: Path
) -> None:
    expectations = [
        expectation("column_values_to_be_unique", "unique_id", "warn", column="id"),
        expectation("column_values_to_be_unique", "unique_amount", "warn", column="amount"),
        expectation("column_values_to_be_unique", "mostly_unique_id", "warn", column="id", mostly=0.3),
        expectation("table_row_count_to_be_between", "some_rows", "warn", min_value=1),
    ]
    copied = "b4bc5ef5-8bd5-4d2e-a1a2-8d9b3c4ad0a1"
    judged = (item | {"id": copied} for item in expectations)
    shop = replace(checkout(lakehouse, tmp_path, *judged), table_expectations="after_update")
    land(shop, "a.json", 1.0, 2.0)
    land(shop, "b.json", 3.0)
    assert shop.update().state == "COMPLETED"
    last = json.loads((shop.home.state / "validations" / "orders" / "checked" / "last.json").read_text())
    assert {item["name"]: (item["passed"], item["observed"]) for item in last["verdicts"]} == {
        "unique_id": (False, "2 of 3 rows are not as expected"),
        "unique_amount": (True, "0 of 3 rows are not as expected"),
        "mostly_unique_id": (True, "2 of 3 rows are not as expected"),
        "some_rows": (True, "3"),
    }
    shown = {
        item["expectation_config"]["meta"]["name"]: item["result"].get("partial_unexpected_list")
        for item in last["document"]["results"]
    }
    assert shown == {"unique_id": ["1", "1"], "unique_amount": [], "mostly_unique_id": ["1", "1"], "some_rows": None}


def test_fail_of_a_whole_table_fails_the_update_until_it_is_corrected(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    shop = replace(checkout(lakehouse, tmp_path, UNIQUE), table_expectations="after_update")
    land(shop, "a.json", 1.0, 2.0)
    assert shop.update().state == "COMPLETED"
    land(shop, "b.json", 3.0)
    result = shop.update()
    assert (result.state, result.statuses["checked"], result.statuses["total"]) == ("FAILED", "FAILED", "COMPLETED")
    error = result.errors["checked"]
    assert isinstance(error, TableExpectationError)
    assert "`checked` as a whole: `unique_id` is not met: observed 2 of 3 rows are not as expected" in str(error)
    assert len(shop.rows("checked")) == 3
    assert shop.update().state == "FAILED"
    assert of_tables(shop, "checked") == [{"unique_id": True}, {"unique_id": False}, {"unique_id": False}]
    (last,) = (shop.home.state / "validations" / "orders").glob("checked/last.json")
    assert json.loads(last.read_text())["verdicts"][0]["passed"] is False


class BrokenJudge(TableJudge):
    """Can judge nothing, and starts no process."""

    def begin(self, *_: Any) -> None:
        """Do nothing."""

    def judge(self, table: Path, version: int, suite: Suite, now: datetime) -> Judged:
        """Return a problem in place of each verdict."""
        del table, version
        return Judged(now, tuple(unknown(item, "RuntimeError: it fell over") for item in suite.table_expectations), {})


def test_table_that_could_not_be_judged_has_not_passed(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    judge = BrokenJudge(lakehouse.home, tmp_path / "suites", lambda: lakehouse.spark)
    shop = replace(checkout(lakehouse, tmp_path, UNIQUE), table_expectations="after_update", judge=judge)
    land(shop, "a.json", 1.0)
    result = shop.update()
    assert "`unique_id` could not be judged: RuntimeError: it fell over" in str(result.errors["checked"])
    write_suite(tmp_path / "suites", "checked", {**UNIQUE, "meta": {**UNIQUE["meta"], "action": "warn"}})
    assert shop.update().state == "COMPLETED"
    assert of_tables(shop, "checked") == [{"unique_id": None}, {"unique_id": None}]


@pytest.mark.parametrize(
    ("meta", "said"),
    [
        pytest.param({"action": "drop"}, "`drop` has no row to leave out", id="drop"),
        pytest.param({"action": "fail", "fail_above": "5%"}, "`fail_above` has nothing to count", id="threshold"),
    ],
)
def test_action_that_a_whole_table_cannot_take_is_refused_with_its_suite(
    lakehouse: TestLakehouse, tmp_path: Path, meta: dict[str, Any], said: str
) -> None:
    shop = checkout(lakehouse, tmp_path, {**UNIQUE, "meta": {"name": "unique_id", **meta}})
    with pytest.raises(AuthorError, match=said) as raised:
        shop.update()
    assert "checked.json" in str(raised.value)


@pytest.mark.parametrize(
    "info",
    [
        {"raised_exception": True, "exception_message": "it fell over"},
        {"('column.max', 'x', ())": {"raised_exception": True, "exception_message": "it fell over"}},
        {"('column.max', 'x', ())": {"exception_message": "it fell over"}},
    ],
    ids=["direct", "by_metric", "by_metric_without_a_mark"],
)
def test_exception_inside_a_validation_is_neither_passed_nor_failed(info: dict[str, Any]) -> None:
    config = {"type": "expect_column_max_to_be_between", "meta": {"name": "fresh"}}
    document = {"results": [{"success": False, "expectation_config": config, "exception_info": info}]}
    (verdict,) = verdicts_of(document, [TableExpectation("fresh", "warn", "")])
    assert (verdict.passed, verdict.problem) == (None, "it fell over")
