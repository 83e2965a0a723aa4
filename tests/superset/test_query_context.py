from __future__ import annotations

import json

import pytest
import yaml
from query_context import query_context, with_query_context

TIME = {
    "clause": "WHERE",
    "expressionType": "SIMPLE",
    "subject": "taken_at",
    "operator": "TEMPORAL_RANGE",
    "comparator": "No filter",
}


def test_line_over_time_asks_by_grain_and_is_pivoted_by_series() -> None:
    params = {
        "viz_type": "echarts_timeseries_line",
        "x_axis": "taken_at",
        "time_grain_sqla": "PT1H",
        "metrics": ["average"],
        "groupby": ["location"],
        "row_limit": 50,
        "adhoc_filters": [TIME],
    }
    context = json.loads(query_context(params))
    [query] = context["queries"]
    assert query["columns"] == [
        {
            "timeGrain": "PT1H",
            "columnType": "BASE_AXIS",
            "sqlExpression": "taken_at",
            "label": "taken_at",
            "expressionType": "SQL",
        },
        "location",
    ]
    assert query["filters"] == [{"col": "taken_at", "op": "TEMPORAL_RANGE", "val": "No filter"}]
    assert query["orderby"] == [["average", False]]
    assert [step["operation"] for step in query["post_processing"]] == ["pivot", "rename", "flatten"]
    assert (query["metrics"], query["series_columns"], query["row_limit"]) == (["average"], ["location"], 50)


def test_raw_table_asks_its_columns_in_its_order() -> None:
    params = {
        "viz_type": "table",
        "query_mode": "raw",
        "all_columns": ["a", "b"],
        "order_by_cols": ['["b", false]'],
        "adhoc_filters": [{"expressionType": "SIMPLE", "subject": "a", "operator": "IS NOT NULL"}],
    }
    [query] = json.loads(query_context(params))["queries"]
    assert (query["columns"], query["orderby"], query.get("metrics", [])) == (
        ["a", "b"], [["b", False]], [],
    )  # fmt: skip
    assert query["filters"] == [{"col": "a", "op": "IS NOT NULL"}]


def test_chart_of_an_unknown_kind_is_an_error() -> None:
    with pytest.raises(KeyError, match="word_cloud"):
        query_context({"viz_type": "word_cloud"})


def test_query_is_put_in_once_whatever_stood_there() -> None:
    text = "slice_name: Ä\nparams:\n  viz_type: big_number_total\n  metric: devices\n"
    once = with_query_context(text)
    assert with_query_context(once) == once
    assert once.startswith(text)
    stale = text + "query_context: |\n  {\n\n  }\n"
    assert with_query_context(stale) == once
    assert json.loads(yaml.safe_load(once)["query_context"])["queries"][0]["metrics"] == ["devices"]
