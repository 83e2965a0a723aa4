"""What the dashboards' files say, compared with each other and with the warehouse."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from bundle import ASSETS, load_assets
from deltalake import write_deltalake
from palette import HOT, WARN
from query_context import with_query_context

from alerts.history import SCHEMA
from pipeline.settings import load_settings
from pipeline.warehouse.embedded import EmbeddedWarehouse
from tests.conftest import reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundle import Asset

    from tests.conftest import TestLakehouse

ALL = load_assets()
BY_UUID = {asset.uuid: asset for asset in ALL}


def of_kind(kind: str) -> list[Asset]:
    return [asset for asset in ALL if asset.kind == kind]


def each(kind: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("asset", of_kind(kind), ids=lambda asset: asset.path.rpartition("/")[2][:-5])


def values(node: Any) -> Iterator[tuple[str, Any]]:
    """Yield every key and value of a file, at every depth."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield key, value
            yield from values(value)
    elif isinstance(node, list):
        for value in node:
            yield from values(value)


def names_of(dataset: Asset) -> tuple[set[str], set[str]]:
    columns = {column["column_name"] for column in dataset.config["columns"]}
    return columns, {metric["metric_name"] for metric in dataset.config["metrics"]}


def queries_of(chart: Asset) -> list[dict[str, Any]]:
    context: dict[str, Any] = json.loads(chart.config["query_context"])
    return list(context["queries"])


@pytest.mark.parametrize("asset", ALL, ids=lambda asset: asset.path)
def test_file_carries_no_id_null_or_secret_of_an_export(asset: Asset) -> None:
    found = dict(values(asset.config))
    assert {"id", "password", "changed_on", "owners"} & found.keys() <= (
        {"id"} if asset.kind == "dashboards" else set()
    )
    text = (ASSETS / asset.path).read_text(encoding="utf-8")
    kept = [line for line in text.splitlines() if line.rstrip().endswith(": null") and "time_range" not in line]
    assert kept == []
    assert re.fullmatch(r"[\w/]+\.yaml", asset.path)


@each("charts")
def test_chart_asks_what_its_parameters_say(asset: Asset) -> None:
    text = (ASSETS / asset.path).read_text(encoding="utf-8")
    assert text == with_query_context(text), "run `python superset/query_context.py`"


@each("charts")
def test_chart_names_columns_and_metrics_of_its_dataset(asset: Asset) -> None:
    columns, metrics = names_of(BY_UUID[asset.config["dataset_uuid"]])
    assert asset.config["params"]["viz_type"] == asset.config["viz_type"]
    for query in queries_of(asset):
        named = {column if isinstance(column, str) else column["label"] for column in query.get("columns", [])}
        assert named <= columns
        assert {entry["col"] for entry in query["filters"]} <= columns
        assert set(query.get("metrics", [])) <= metrics
        order = {entry if isinstance(entry, str) else entry["label"] for entry, _ in query.get("orderby", [])}
        assert order <= columns | metrics
    conditions = asset.config["params"].get("conditional_formatting", [])
    assert {condition["column"] for condition in conditions} <= columns | metrics


@each("dashboards")
def test_dashboard_names_charts_datasets_and_columns_that_there_are(asset: Asset) -> None:
    position = asset.config["position"]
    charts = [entry for key, entry in position.items() if key.startswith("CHART-")]
    assert len({entry["meta"]["chartId"] for entry in charts}) == len(charts) >= 10
    for entry in charts:
        assert BY_UUID[entry["meta"]["uuid"]].config["slice_name"] == entry["meta"]["sliceName"]
    for target in asset.config["metadata"]["native_filter_configuration"]:
        for place in target["targets"]:
            if place:
                assert place["column"]["name"] in names_of(BY_UUID[place["datasetUuid"]])[0]
    assert asset.config["metadata"]["refresh_frequency"] == 60
    assert asset.config["metadata"]["cross_filters_enabled"]


@each("dashboards")
def test_dashboard_fits_its_columns_and_each_part_knows_its_place(asset: Asset) -> None:
    position = {key: entry for key, entry in asset.config["position"].items() if isinstance(entry, dict)}
    for key, entry in position.items():
        assert entry["id"] == key
        for child in entry.get("children", []):
            assert position[child]["parents"][-1] == key
        if entry["type"] == "ROW":
            widths = [position[child]["meta"]["width"] for child in entry["children"]]
            assert sum(widths) <= 12
    placed = {child for entry in position.values() for child in entry.get("children", [])}
    assert placed == position.keys() - {"ROOT_ID", "HEADER_ID"}


def test_every_chart_is_on_one_dashboard() -> None:
    placed = [
        entry["meta"]["uuid"]
        for dashboard in of_kind("dashboards")
        for key, entry in dashboard.config["position"].items()
        if key.startswith("CHART-")
    ]
    assert sorted(placed) == sorted(asset.uuid for asset in of_kind("charts"))
    assert len(placed) >= 14


def test_seeds_bar_chart_comes_first() -> None:
    position = next(asset for asset in of_kind("dashboards") if "operations" in asset.path).config["position"]
    first = position[position[position["GRID_ID"]["children"][0]]["children"][0]]
    assert first["meta"]["sliceName"].startswith("Average temperature by location")


def test_red_and_amber_are_the_palettes_everywhere() -> None:
    used = {value for asset in ALL for key, value in values(asset.config) if key in {"colorScheme", "color"}}
    assert used <= {HOT, WARN, "#009E73"}


def test_database_takes_no_writes_and_no_uploads() -> None:
    [database] = of_kind("databases")
    refused = ("allow_dml", "allow_ctas", "allow_cvas", "allow_file_upload", "allow_run_async")
    assert {key: database.config[key] for key in refused} == dict.fromkeys(refused, False)


@pytest.mark.spark
@pytest.mark.slow
def test_every_table_column_and_metric_that_a_dataset_names_is_in_the_warehouse(lakehouse: TestLakehouse) -> None:
    lakehouse.land("one.json", [reading(), reading(None), reading("MFG-B-2000", temperature_celsius=43.0)])
    lakehouse.update()
    write_deltalake(lakehouse.path("alert_evaluations"), SCHEMA.empty_table())
    warehouse = EmbeddedWarehouse(lakehouse.spark, lakehouse.home, load_settings())
    for dataset in of_kind("datasets"):
        table = dataset.config["table_name"]
        there = {name: kind for name, kind, *_ in warehouse.query(f"DESCRIBE {table}").rows}
        physical = [column for column in dataset.config["columns"] if "expression" not in column]
        assert {c["column_name"]: c["type"].lower() for c in physical} == {
            c["column_name"]: there.get(c["column_name"]) for c in physical
        }, table
        computed = [c["expression"] for c in dataset.config["columns"] if "expression" in c]
        metrics = [metric["expression"] for metric in dataset.config["metrics"]]
        assert len(warehouse.query(f"SELECT {', '.join(metrics)} FROM {table}").rows) == 1  # noqa: S608
        if computed:
            warehouse.query(f"SELECT {', '.join(computed)} FROM {table} LIMIT 1")  # noqa: S608


@pytest.mark.spark
@pytest.mark.slow
@pytest.mark.parametrize("name", ["average_temperature_by_location", "hot_devices_of_the_last_three_hours"])
def test_saved_query_is_the_one_of_the_notebook(name: str) -> None:
    saved = next(asset for asset in of_kind("queries") if name in asset.path)
    text = (ASSETS.parents[1] / "notebooks" / "sensor_analysis.sql").read_text(encoding="utf-8")
    assert saved.config["sql"] in text
