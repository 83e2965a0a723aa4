"""The queries of the dashboard for the factory floor, as SQL for the warehouse and for a rival."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlglot
import yaml

from pipeline.home.places import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

_ASSETS = CHECKOUT / "superset" / "assets"
OF_THE_PLANT = frozenset({"sensor_readings", "device_status", "gold_hourly_device_summary", "quarantined_readings"})
_GRAINS = {"PT1M": "MINUTE", "PT1H": "HOUR"}


@dataclass(frozen=True)
class ChartQuery:
    """The query of one chart.

    Attributes:
        name: The chart's file name without its ending.
        sql: In Spark's dialect.
    """

    name: str
    sql: str

    @property
    def duckdb_sql(self) -> str:
        """The same query in DuckDB's dialect."""
        return in_duckdb(self.sql)


def in_duckdb(sql: str) -> str:
    """Return Spark SQL in DuckDB's dialect."""
    translated: str = sqlglot.transpile(sql, read="spark", write="duckdb")[0]
    return translated


def chart_queries() -> list[ChartQuery]:
    """Return the queries of the charts over the factory's own tables and views, by the charts' names."""
    datasets = {dataset["uuid"]: dataset for dataset in map(_read, _ASSETS.glob("datasets/*/*.yaml"))}
    queries = []
    for file in sorted(_ASSETS.glob("charts/*.yaml")):
        chart = _read(file)
        dataset = datasets[chart["dataset_uuid"]]
        if dataset["table_name"] in OF_THE_PLANT:
            queries += [
                ChartQuery(file.stem, _sql(dataset, query)) for query in json.loads(chart["query_context"])["queries"]
            ]
    return queries


def _read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return content


def _sql(dataset: dict[str, Any], query: dict[str, Any]) -> str:
    calculated = {one["column_name"]: one["expression"] for one in dataset["columns"] if one.get("expression")}
    metrics = {one["metric_name"]: one["expression"] for one in dataset["metrics"]}
    groups = dict(_column(one, calculated) for one in query.get("columns", []))
    measures = {name: metrics[name] for name in query.get("metrics", [])}
    shown = ", ".join(f"{expression} AS `{name}`" for name, expression in {**groups, **measures}.items())
    sql = f"SELECT {shown} FROM {dataset['table_name']}"  # noqa: S608 - the project's own files
    present = [f"`{one['col']}` IS NOT NULL" for one in query["filters"] if one["op"] == "IS NOT NULL"]
    if present:
        sql += f" WHERE {' AND '.join(present)}"
    if groups and measures:
        sql += f" GROUP BY {', '.join(groups.values())}"
    orders = [f"{calculated.get(by, f'`{by}`')} {'ASC' if up else 'DESC'}" for by, up in query.get("orderby", [])]
    if orders:
        sql += f" ORDER BY {', '.join(orders)}"
    return f"{sql} LIMIT {query['row_limit']}"


def _column(column: str | dict[str, Any], calculated: dict[str, str]) -> tuple[str, str]:
    if isinstance(column, str):
        return column, calculated.get(column, f"`{column}`")
    return column["label"], f"date_trunc('{_GRAINS[column['timeGrain']]}', {column['sqlExpression']})"
