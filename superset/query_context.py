"""Derives a chart's query from its parameters, as the chart's own code in the browser does.

Superset answers `GET /api/v1/chart/<id>/data/` from the query saved with a chart. `python superset/query_context.py`
writes it into every chart's file; a test tells when a file lags behind its parameters.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import yaml
from bundle import ASSETS, load_assets

if TYPE_CHECKING:
    from collections.abc import Callable

Params = dict[str, Any]
Query = dict[str, Any]

_MAX_ROWS = 10000


def query_context(params: Params) -> str:
    """Return the query of a chart as JSON text; publishing puts in the dataset's id.

    Raises:
        KeyError: No dashboard here has a chart of this kind.
    """
    context = {
        "datasource": {"id": 0, "type": "table"},
        "force": False,
        "queries": [_QUERIES[params["viz_type"]](params)],
        "form_data": {"viz_type": params["viz_type"], "datasource": "0__table"},
        "result_format": "json",
        "result_type": "full",
    }
    return json.dumps(context, ensure_ascii=False, sort_keys=True)


def _base(params: Params) -> Query:
    return {
        "filters": [_filter(entry) for entry in params.get("adhoc_filters", []) if entry["expressionType"] == "SIMPLE"],
        "extras": {
            "having": "",
            "where": " AND ".join(
                f"({entry['sqlExpression']})"
                for entry in params.get("adhoc_filters", [])
                if entry["expressionType"] == "SQL"
            ),
            **({"time_grain_sqla": params["time_grain_sqla"]} if "time_grain_sqla" in params else {}),
        },
        "row_limit": params.get("row_limit", _MAX_ROWS),
    }


def _filter(entry: dict[str, Any]) -> dict[str, Any]:
    condition = {"col": entry["subject"], "op": entry["operator"]}
    return condition if entry.get("comparator") is None else {**condition, "val": entry["comparator"]}


def _big_number(params: Params) -> Query:
    return {**_base(params), "metrics": [params["metric"]]}


def _time_series(params: Params) -> Query:
    groupby = params.get("groupby", [])
    first = params["metrics"][0]
    pivot = {
        "operation": "pivot",
        "options": {
            "index": [params["x_axis"]],
            "columns": groupby,
            "aggregates": {metric: {"operator": "mean"} for metric in params["metrics"]},
            "drop_missing_columns": False,
        },
    }
    rename = {
        "operation": "rename",
        "options": {"columns": {first: None}, "level": 0, "inplace": True},
    }
    is_one_metric = len(params["metrics"]) == 1 and bool(groupby)
    return {
        **_base(params),
        "columns": [_axis(params), *groupby],
        "series_columns": groupby,
        "metrics": params["metrics"],
        "orderby": [[first, False]],
        "post_processing": [pivot, *([rename] if is_one_metric else []), *_sorts(params), {"operation": "flatten"}],
    }


def _sorts(params: Params) -> list[Query]:
    """Return how a bar chart without groups orders its bars."""
    by = params.get("x_axis_sort")
    if by is None or params.get("groupby"):
        return []
    order = {"is_sort_index": True} if by == params["x_axis"] else {"by": by}
    return [{"operation": "sort", "options": {**order, "ascending": params["x_axis_sort_asc"]}}]


def _axis(params: Params) -> Any:
    if "time_grain_sqla" not in params:
        return params["x_axis"]
    return {
        "timeGrain": params["time_grain_sqla"],
        "columnType": "BASE_AXIS",
        "sqlExpression": params["x_axis"],
        "label": params["x_axis"],
        "expressionType": "SQL",
    }


def _heat_map(params: Params) -> Query:
    columns = [_axis(params), params["groupby"]]
    rank = {"operation": "rank", "options": {"metric": params["metric"]}}
    return {
        **_base(params),
        "columns": columns,
        "metrics": [params["metric"]],
        "orderby": [[columns[0], True], [columns[1], True]],
        "post_processing": [rank],
    }


def _table(params: Params) -> Query:
    if params["query_mode"] == "raw":
        # The chart keeps each order as JSON text: a column, and whether it ascends.
        orders = [json.loads(order) for order in params.get("order_by_cols", [])]
        return {**_base(params), "columns": params["all_columns"], "orderby": orders, "post_processing": []}
    order = [params.get("timeseries_limit_metric", params["metrics"][0]), not params.get("order_desc", True)]
    return {
        **_base(params),
        "columns": params["groupby"],
        "metrics": params["metrics"],
        "orderby": [order],
        "post_processing": [],
    }


def _bubble(params: Params) -> Query:
    return {
        **_base(params),
        "columns": [params["entity"], params["series"]],
        "metrics": [params["x"], params["y"], params["size"]],
        "row_limit": params["limit"],
    }


def _graph(params: Params) -> Query:
    return {
        **_base(params),
        "columns": [params["source"], params["target"]],
        "metrics": [params["metric"]],
        "orderby": [[params["metric"], False]],
    }


_QUERIES: dict[str, Callable[[Params], Query]] = {
    "big_number_total": _big_number,
    "echarts_timeseries_bar": _time_series,
    "echarts_timeseries_line": _time_series,
    "heatmap_v2": _heat_map,
    "table": _table,
    "bubble_v2": _bubble,
    "graph_chart": _graph,
}


def with_query_context(text: str) -> str:
    """Return a chart file's text with the query that follows from its parameters."""
    config = yaml.safe_load(text)
    line = "query_context: " + yaml.safe_dump(
        query_context(config["params"]), allow_unicode=True, default_style="'", width=2**20
    )
    kept = re.sub(r"^query_context:.*\n(?:[ \n].*\n)*", "", text, flags=re.MULTILINE)
    return kept + line


if __name__ == "__main__":
    for asset in load_assets():
        if asset.kind == "charts":
            file = ASSETS / asset.path
            file.write_text(with_query_context(file.read_text(encoding="utf-8")), encoding="utf-8")
