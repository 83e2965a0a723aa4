"""Conditions applied to results."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from alerts.condition import ConditionError, measure
from alerts.model import State
from pipeline.foundation.errors import UnknownNameError
from pipeline.warehouse.hive import Result
from tests.alerts.doubles import devices, spec_of


def state_of(values: list[Any], **condition: Any) -> State:
    spec = spec_of(per_row=None, condition={"column": "v", **condition})
    return measure(spec, Result(["v"], [[value] for value in values])).state


@pytest.mark.parametrize(
    ("operator", "below", "same", "above"),
    [
        ("EQUAL", "OK", "TRIGGERED", "OK"),
        ("NOT_EQUAL", "TRIGGERED", "OK", "TRIGGERED"),
        ("GREATER_THAN", "OK", "OK", "TRIGGERED"),
        ("GREATER_THAN_OR_EQUAL", "OK", "TRIGGERED", "TRIGGERED"),
        ("LESS_THAN", "TRIGGERED", "OK", "OK"),
        ("LESS_THAN_OR_EQUAL", "TRIGGERED", "TRIGGERED", "OK"),
        ("=", "OK", "TRIGGERED", "OK"),
        (">", "OK", "OK", "TRIGGERED"),
    ],
)
def test_operator_compares_values_below_at_and_above_the_threshold(
    operator: str, below: str, same: str, above: str
) -> None:
    states = [state_of([value], operator=operator, threshold=40) for value in (39.9, 40.0, 40.1)]
    assert states == [below, same, above]


@pytest.mark.parametrize(
    ("operator", "value", "state"),
    [
        ("IS_NULL", None, "TRIGGERED"),
        ("IS_NULL", 1, "OK"),
        ("IS_NOT_NULL", None, "OK"),
        ("IS_NOT_NULL", 1, "TRIGGERED"),
    ],
)
def test_null_operator_triggers_on_null_or_on_a_value(operator: str, value: Any, state: str) -> None:
    assert state_of([value], operator=operator) == state


@pytest.mark.parametrize(
    ("aggregation", "expected"),
    [
        ("FIRST", 3.0),
        ("SUM", 12.0),
        ("COUNT", 4),
        ("COUNT_DISTINCT", 3),
        ("AVG", 3.0),
        ("MEDIAN", 3.0),
        ("MIN", 1.0),
        ("MAX", 5.0),
        ("STDDEV", pytest.approx(1.632993)),
    ],
)
def test_aggregation_of_a_column_leaves_missing_values_out(aggregation: str, expected: Any) -> None:
    spec = spec_of(per_row=None, condition={"column": "v", "aggregation": aggregation, "operator": ">", "threshold": 0})
    result = Result(["v"], [[3.0], [1.0], [None], [3.0], [float("nan")], [Decimal("5.0")]])
    assert measure(spec, result).value == expected


@pytest.mark.parametrize("null_state", ["OK", "TRIGGERED", "ERROR"])
@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_missing_value_gives_null_state(value: Any, null_state: str) -> None:
    spec = spec_of(per_row=None, null_state=null_state, condition={"column": "v", "operator": ">", "threshold": 40})
    measured = measure(spec, Result(["v"], [[value]]))
    assert measured.state == null_state
    assert "missing" in measured.reason


@pytest.mark.parametrize("aggregation", ["SUM", "AVG", "MEDIAN", "MIN", "MAX", "STDDEV"])
def test_aggregation_of_missing_values_only_gives_null_state(aggregation: str) -> None:
    assert state_of([None], aggregation=aggregation, operator=">", threshold=0) is State.ERROR


@pytest.mark.parametrize(("declared", "state"), [(None, "ERROR"), ("OK", "OK"), ("TRIGGERED", "TRIGGERED")])
def test_empty_result_with_a_column_gives_empty_result_state(declared: str | None, state: str) -> None:
    spec = spec_of(
        per_row=None, empty_result_state=declared, condition={"column": "v", "operator": ">", "threshold": 0}
    )
    assert measure(spec, Result(["v"], [])).state == state


def test_number_of_rows_is_compared_without_a_column() -> None:
    spec = spec_of(condition={"operator": "LESS_THAN", "threshold": 1})
    assert measure(spec, devices()).state is State.TRIGGERED
    assert measure(spec, devices("A")).state is State.OK


def test_rows_below_the_number_that_triggers_are_not_triggered() -> None:
    measured = measure(spec_of(condition={"operator": ">", "threshold": 2}), devices("A", "B"))
    assert (measured.state, measured.rows) == (State.OK, {})


def test_each_row_with_a_column_has_a_state_of_its_own() -> None:
    spec = spec_of(condition={"column": "t", "operator": ">", "threshold": 40})
    measured = measure(spec, Result(["device_id", "t"], [["A", 39], ["B", 41], ["C", None], ["B", 12]]))
    assert measured.rows == {"A": State.OK, "B": State.TRIGGERED, "C": State.ERROR}
    assert (measured.state, measured.value) == (State.TRIGGERED, 41)


def test_row_without_a_name_still_counts() -> None:
    measured = measure(spec_of(), Result(["device_id"], [[None]]))
    assert measured.rows == {"(no name)": State.TRIGGERED}


def test_threshold_column_is_compared_within_the_row() -> None:
    spec = spec_of(condition={"column": "t", "operator": ">", "threshold_column": "top"})
    measured = measure(spec, Result(["device_id", "t", "top"], [["A", 41, 45], ["B", 41, 40]]))
    assert measured.rows == {"A": State.OK, "B": State.TRIGGERED}


def test_moments_with_and_without_a_zone_are_compared_in_utc() -> None:
    spec = spec_of(per_row=None, condition={"column": "a", "operator": "=", "threshold_column": "b"})
    aware = datetime(2026, 3, 1, tzinfo=UTC)
    assert measure(spec, Result(["a", "b"], [[aware, aware.replace(tzinfo=None)]])).state is State.TRIGGERED


@pytest.mark.parametrize(
    ("values", "condition"),
    [
        pytest.param(["41"], {"operator": ">", "threshold": 40}, id="text with a number"),
        pytest.param([True], {"operator": ">", "threshold": 0}, id="boolean with a number"),
        pytest.param([True], {"operator": ">", "threshold": False}, id="booleans in order"),
        pytest.param([1, "a"], {"aggregation": "MAX", "operator": ">", "threshold": 0}, id="mixed types"),
        pytest.param(["a"], {"aggregation": "SUM", "operator": ">", "threshold": 0}, id="sum of text"),
    ],
)
def test_values_of_different_types_are_an_error(values: list[Any], condition: dict[str, Any]) -> None:
    with pytest.raises(ConditionError):
        state_of(values, **condition)


@pytest.mark.parametrize("value", ["on", True])
def test_texts_and_booleans_can_be_equal(value: Any) -> None:
    assert state_of([value], operator="EQUAL", threshold=value) is State.TRIGGERED


def test_unknown_column_names_the_nearest_one() -> None:
    spec = spec_of(condition={"column": "temprature", "operator": ">", "threshold": 40})
    with pytest.raises(UnknownNameError, match="Did you mean `temperature`"):
        measure(spec, Result(["device_id", "temperature"], []))
