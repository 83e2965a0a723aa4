"""Updates whose tasks run on a standalone cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.foundation.limits import Limits
from pipeline.home.places import Home
from pipeline.spark.workers import HomeNotSharedError, join_cluster
from pipeline.spark_settings import SparkSettings
from tests.cluster.page import command_lines
from tests.conftest import TABLES, TestLakehouse, reading

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from tests.cluster.standalone import Cluster

pytestmark = pytest.mark.cluster


def readings(count: int, *, first: int = 0) -> list[dict[str, object]]:
    return [reading(f"MFG-A-{1000 + number % 7}", temperature_celsius=20.0 + number) for number in range(first, count)]


def test_nothing_listens_beyond_loopback(spark: SparkSession, cluster: Cluster) -> None:
    assert spark.range(4).count() == 4
    assert {address.strip("[]").removeprefix("::ffff:") for address in cluster.listeners()} == {"127.0.0.1"}


def test_secret_is_on_no_command_line_and_readable_by_its_owner_alone(spark: SparkSession, cluster: Cluster) -> None:
    secret = (cluster.home.cluster_secret).read_text(encoding="ascii").encode()
    assert spark.range(4).count() == 4
    assert (cluster.home.cluster_secret.stat().st_mode & 0o777) == 0o600
    lines = command_lines()
    assert len(lines) > 3
    assert not [line for line in lines if secret in line]


@pytest.mark.parametrize("of_many", [False, True], ids=["driver", "workers"])
def test_updates_keep_every_promise(lakehouse: TestLakehouse, of_many: bool) -> None:
    if of_many:
        lakehouse.limits = Limits(few_rows=0, driver_bytes=0)
    for number in range(3):
        lakehouse.land(f"{number}.json", [*readings(50 * number + 40, first=50 * number), reading(None)])
    assert lakehouse.update().state == "COMPLETED"
    lakehouse.assert_invariants()
    lakehouse.land("new column.json", [reading("MFG-B-2000", humidity_percent=float(number)) for number in range(9)])
    assert lakehouse.update().state == "COMPLETED"
    lakehouse.assert_invariants()
    assert [len(lakehouse.rows(table)) for table in TABLES[:3]] == [132, 129, 3]
    assert sum(row["humidity_percent"] is not None for row in lakehouse.rows(TABLES[1])) == 9


def test_full_refresh_and_reprocessing_rebuild_the_same_rows(lakehouse: TestLakehouse) -> None:
    lakehouse.land("a.json", [*readings(60), reading(None)])
    broken = lakehouse.land("b.json.gz", b"this is not gzip")
    assert lakehouse.update().state == "COMPLETED"
    before = lakehouse.rows(TABLES[1], "device_id", "temperature_celsius", by="temperature_celsius")
    broken.write_bytes(b"[]")
    assert lakehouse.update(full_refresh_all=True).state == "COMPLETED"
    lakehouse.assert_invariants()
    assert lakehouse.rows(TABLES[1], "device_id", "temperature_celsius", by="temperature_celsius") == before
    assert len(before) == 60


def test_author_s_own_modules_reach_the_executors_in_the_driver_s_version(
    lakehouse: TestLakehouse, tmp_path: Path
) -> None:
    (tmp_path / "marks.py").write_text("SIGN = '!'\n\n\ndef marked(text):\n    return text + SIGN\n")
    (tmp_path / "own.py").write_text(
        """
import marks
from pyspark.sql.functions import col, udf
from pipeline import read_files, read_stream, table

mark = udf(lambda text: marks.marked(text), "string")

@table
def raw():
    return read_files("lines", schema_hints="id STRING")

@table
def marked():
    return read_stream("raw").withColumn("id", mark(col("id")))
"""
    )
    (tmp_path / "suites").mkdir()
    settings = tmp_path / "own.yml"
    settings.write_text("name: L\nschema: lines\nsource: own.py\nexpectations: suites\n", encoding="utf-8")
    own = TestLakehouse(lakehouse.spark, lakehouse.home, lakehouse.clock, settings)
    own.land("a.json", [{"id": "a"}, {"id": "b"}], "lines")
    assert own.update().state == "COMPLETED"
    assert [row["id"] for row in own.rows("marked", "id")] == ["a!", "b!"]


def test_module_that_the_workers_lack_is_a_matter_of_set_up(
    lakehouse: TestLakehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "only_here.py").write_text("def marked(text):\n    return text\n")
    monkeypatch.syspath_prepend(str(elsewhere))
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "own.py").write_text(
        """
from only_here import marked
from pyspark.sql.functions import col, udf
from pipeline import read_files, read_stream, table

@table
def raw():
    return read_files("lines", schema_hints="id STRING")

@table
def other():
    return read_stream("raw").withColumn("id", udf(marked, "string")(col("id")))
"""
    )
    (tmp_path / "source" / "suites").mkdir()
    settings = tmp_path / "source" / "own.yml"
    settings.write_text("name: L\nschema: lines\nsource: own.py\nexpectations: suites\n", encoding="utf-8")
    own = TestLakehouse(lakehouse.spark, lakehouse.home, lakehouse.clock, settings)
    own.land("a.json", [{"id": "a"}], "lines")
    result = own.update()
    assert result.state == "FAILED"
    assert "Spark's workers have no Python module `only_here`, which the driver has." in str(result.errors["other"])


def test_home_that_workers_do_not_see_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(HomeNotSharedError, match="does not see the files of the home"):
        join_cluster(spark.newSession(), Home(tmp_path / "not mounted"), SparkSettings(cores_max=2))


@pytest.mark.parametrize(("configuration", "partitions"), [({}, "2"), ({"spark.sql.shuffle.partitions": "7"}, "7")])
def test_shuffle_has_a_partition_for_each_core_unless_the_author_sets_another_number(
    spark: SparkSession, lakehouse: TestLakehouse, configuration: dict[str, str], partitions: str
) -> None:
    lakehouse.home.make_writable()
    session = spark.newSession()
    session.conf.set("spark.sql.shuffle.partitions", configuration.get("spark.sql.shuffle.partitions", "1"))
    join_cluster(session, lakehouse.home, SparkSettings(cores_max=2, configuration=configuration))
    assert session.conf.get("spark.sql.shuffle.partitions") == partitions
