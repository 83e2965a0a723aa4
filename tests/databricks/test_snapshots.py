"""AUTO CDC from snapshots: tables that follow a source read whole, or the snapshots that a function returns."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.flows.snapshot_rows import UnclearSnapshotError
from pipeline.flows.snapshot_table import SnapshotOrderError
from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from tests.conftest import TestLakehouse
    from tests.databricks.conftest import Project

pytestmark = pytest.mark.spark

HISTORICAL = """
import os
from pyspark import pipelines as dp

FOLDER = "/Volumes/main/shop/raw"


def next_snapshot_and_version(latest):
    number = (latest or 0) + 1
    if not any(file.name.startswith(f"{number}.") for file in dbutils.fs.ls(FOLDER)):
        return None
    return spark.read.schema("id STRING, city STRING, plan STRING").json(f"{FOLDER}/{number}.json"), number


for kind in (1, 2):
    dp.create_streaming_table(f"customers_{kind}")
    dp.create_auto_cdc_from_snapshot_flow(
        target=f"customers_{kind}",
        source=next_snapshot_and_version,
        keys=["id"],
        stored_as_scd_type=kind,
        track_history_column_list=["city"] if kind == 2 else None,
    )
"""


def land(project: Project, number: int, *rows: tuple[Any, ...]) -> None:
    lines = [json.dumps(dict(zip(("id", "city", "plan"), row, strict=True))) for row in rows]
    project.write(f"raw/{number}.json", "\n".join(lines))


def tuples(shop: TestLakehouse, table: str) -> list[tuple[Any, ...]]:
    return sorted((tuple(row.values()) for row in shop.rows(table)), key=str)


def test_snapshots_that_a_function_returns_are_taken_one_after_the_other(project: Project) -> None:
    project.write("source/customers.py", HISTORICAL)
    land(project, 1, ("A", "Oslo", "basic"), ("B", "Rome", None), ("C", "Bonn", "gold"))
    shop = project.settings()
    assert shop.update().state == "COMPLETED"
    assert tuples(shop, "customers_1") == [("A", "Oslo", "basic"), ("B", "Rome", None), ("C", "Bonn", "gold")]
    land(project, 2, ("A", "Paris", "basic"), ("B", "Rome", "gold"))
    land(project, 3, ("A", "Paris", "basic"), ("B", "Rome", "gold"))
    land(project, 4, ("B", "Rome", "gold"), ("C", "Bonn", "gold"))
    assert shop.update().state == "COMPLETED"
    assert shop.update().state == "COMPLETED"

    assert tuples(shop, "customers_1") == [("B", "Rome", "gold"), ("C", "Bonn", "gold")]
    assert tuples(shop, "customers_2") == [
        ("A", "Oslo", "basic", 1, 2),
        ("A", "Paris", "basic", 2, 4),
        ("B", "Rome", "gold", 1, None),
        ("C", "Bonn", "gold", 1, 2),
        ("C", "Bonn", "gold", 4, None),
    ]
    names = ("version", "num_input_rows", "num_upserted_rows", "num_removed_rows", "num_closed_rows")
    assert [tuple(one[name] for name in names) for one in shop.metrics("customers_2")] == [
        ("1", 3, 3, 0, 0), ("2", 2, 2, 0, 2), ("3", 2, 0, 0, 0), ("4", 2, 1, 0, 1)
    ]  # fmt: skip
    assert shop.counted_by_events("customers_1", "customers_2") == {"customers_1": 2, "customers_2": 5}


PERIODIC = """
import dlt

dlt.create_streaming_table("customers")
dlt.apply_changes_from_snapshot(
    target="customers", source="current", keys=["id"], stored_as_scd_type=2,
    track_history_except_column_list=["plan"],
)


@dlt.view
def current():
    return spark.read.table("ref.customers")
"""


def test_table_that_is_read_whole_is_followed_by_each_update(project: Project) -> None:
    project.write("source/customers.py", PERIODIC)
    project.write("customers.csv", "id,city,plan\nA,Oslo,basic\nB,Rome,basic\n")
    shop = project.settings(tables={"ref.customers": "customers.csv"})
    assert shop.update().state == "COMPLETED"
    project.write("customers.csv", "id,city,plan\nA,Oslo,gold\nB,Nice,basic\n")
    assert shop.update().state == "COMPLETED"
    assert shop.update().state == "COMPLETED"
    found = [(row["id"], row["city"], row["plan"], row["__END_AT"] is None) for row in shop.rows("customers")]
    assert sorted(found) == [("A", "Oslo", "gold", True), ("B", "Nice", "basic", True), ("B", "Rome", "basic", False)]
    starts = sorted({row["__START_AT"] for row in shop.rows("customers")})
    assert starts[0] == shop.clock.now()
    assert starts[0] < starts[1]


SINGLE = """
import dlt

displayHTML("<h1>Customers</h1>")
VERSION = int(spark.conf.get("shop.version"))

dlt.create_streaming_table("customers")
dlt.apply_changes_from_snapshot(
    target="customers", snapshot_and_version=(spark.read.table("ref.customers"), VERSION), keys=["id"],
)
"""


def test_snapshot_that_is_given_with_its_version_is_taken_once(project: Project) -> None:
    project.write("source/customers.py", SINGLE)
    for version, city, wanted in ((3, "Oslo", "Oslo"), (3, "Rome", "Oslo"), (4, "Nice", "Nice")):
        project.write("customers.csv", f"id,city\nA,{city}\n")
        shop = project.settings(tables={"ref.customers": "customers.csv"}, configuration={"shop.version": str(version)})
        assert shop.update().state == "COMPLETED"
        assert tuples(shop, "customers") == [("A", wanted)]


REFUSED = """import dlt
dlt.create_streaming_table("t"{options})
dlt.apply_changes_from_snapshot("t", {source}, keys=["id"])
"""


@pytest.mark.parametrize(
    ("source", "options", "said"),
    [
        pytest.param("lambda latest: None", "", "there is no snapshot for `t` yet", id="nothing"),
        pytest.param("lambda latest: 3", "", "returns int; expected a DataFrame and its version", id="no_frame"),
        pytest.param("lambda latest: (spark.range(1), True)", "", "a version of type bool", id="version"),
        pytest.param("lambda latest: 1 / 0", "", "does not run: division by zero", id="error"),
        pytest.param("lambda latest: (spark.range(1).toDF('a'), 1)", "", "there is no column", id="key"),
        pytest.param("3", "", "has source=3", id="source"),
        pytest.param("'nothing'", "", "`nothing` is not a table of this pipeline", id="table"),
        pytest.param(
            "lambda latest: (spark.range(1), 1)", ", expect_all={'a': 'id > 1'}", "has expectations", id="expectations"
        ),
    ],
)
def test_snapshots_that_cannot_be_followed_are_refused_with_their_line(
    project: Project, source: str, options: str, said: str
) -> None:
    with pytest.raises(AuthorError, match=re.escape(said)) as raised:
        project.opened(REFUSED.format(source=source, options=options))
    assert re.search(r"a\.py:[23]\b", raised.value.problem)


@pytest.mark.slow
def test_snapshot_that_is_unclear_or_out_of_order_stops_the_flow(project: Project) -> None:
    project.write("source/customers.py", HISTORICAL.replace("number = (latest or 0) + 1", "number = 1"))
    land(project, 1, ("A", "Oslo", None), ("A", "Rome", None), (None, "Bonn", None))
    shop = project.settings()
    error = shop.update().errors["customers_1"]
    assert isinstance(error, UnclearSnapshotError)
    assert (error.without_key, error.shared) == (1, 1)
    assert shop.rows("customers_1") == []
    land(project, 1, ("A", "Oslo", None))
    # The same snapshot is returned for every version.
    assert isinstance(shop.update().errors["customers_1"], SnapshotOrderError)
    assert tuples(shop, "customers_1") == [("A", "Oslo", None)]
