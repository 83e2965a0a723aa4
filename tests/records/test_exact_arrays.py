"""Columns made without a look at each value: they are what a look at each value gives, or they are not made."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from pipeline.records.columns import Column, to_record_batch
from pipeline.records.exact_arrays import nested_array
from pipeline.records.fitting import MISFIT, fitting_of
from pipeline.records.sql_type import arrow_type
from pipeline.records.values import RawNumber

_VALUES: list[Any] = [
    None, {}, [], {"a": 1}, {"a": None}, {"a": [1.5, None]}, [{"a": 1}, None, {}], [[], None, ["x"]], {"a": {"b": True}},
    {"a": RawNumber("1.10")}, [RawNumber("1e2")], {"b": 1}, [2**53 + 1], ["\ud800"], {"\ud800": 1}, "x", 5, [1], ["1"],
    [True], {"a": "2026-03-01"},
]  # fmt: skip
_TYPES = (
    "array<double>", "array<string>", "array<int>", "array<array<string>>", "map<string,double>", "map<string,string>",
    "map<string,array<double>>", "map<int,string>", "struct<a:bigint>", "struct<a:array<double>>", "array<struct<a:int>>",
    "struct<a:struct<b:boolean>>", "map<string,struct<b:boolean>>", "map<string,decimal(5,2)>", "struct<a:date>",
)  # fmt: skip


@pytest.mark.parametrize("sql_type", _TYPES)
@pytest.mark.parametrize("others", [[], [None], [{}], [[]]], ids=str)
def test_column_holds_what_a_look_at_each_value_gives(sql_type: str, others: list[Any]) -> None:
    fit = fitting_of(sql_type)
    for value in _VALUES:
        values = [*others, value, *others]
        fitted = [None if each is None else fit(each) for each in values]
        expected = pa.array([None if each is MISFIT else each for each in fitted], arrow_type(sql_type))

        rows = to_record_batch([{"c": each} for each in values], (Column("c", sql_type),), "a.json")

        rows.validate(full=True)
        assert rows["c"].equals(expected), value
        assert [text is not None for text in rows["_rescued_data"].to_pylist()] == [each is MISFIT for each in fitted]


def test_column_that_needs_a_closer_look_is_not_made() -> None:
    kind = arrow_type("map<string,double>")
    assert nested_array([{"a": 1.5}, {"a": "many"}], kind, lambda _values, _kind: None) is None
    assert nested_array([{"a": 1.5}, None], kind, lambda _values, _kind: None) == pa.array([[("a", 1.5)], None], kind)
