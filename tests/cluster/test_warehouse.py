"""The SQL warehouse whose queries run on a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.spark_settings import SPARK_VARIABLES
from tests.conftest import TestLakehouse, reading
from tests.warehouse.conftest import Server, eventually

if TYPE_CHECKING:
    from tests.cluster.standalone import Cluster

pytestmark = pytest.mark.cluster


def test_warehouse_on_a_cluster_follows_the_tables_and_only_reads(
    lakehouse: TestLakehouse, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    lakehouse.land("a.json", [reading(), reading("MFG-A-1001")])
    assert lakehouse.update().state == "COMPLETED"
    before = set(cluster.executors())
    monkeypatch.setenv(SPARK_VARIABLES["warehouse_master"], cluster.address)
    monkeypatch.setenv(SPARK_VARIABLES["cores_max"], "1")
    server = Server.start(lakehouse.home.root)
    try:
        assert "answers at hive://127.0.0.1:" in server.first_line, server.first_line
        count = "SELECT sum(reading_count) FROM gold_hourly_device_summary"
        assert server.ask(count) == [(2,)]
        assert len(set(cluster.executors()) - before) == 1
        lakehouse.land("b.json", [reading()])
        assert lakehouse.update().state == "COMPLETED"
        eventually(lambda: server.ask(count) == [(3,)])
        assert "This warehouse only reads" in server.refusal("DELETE FROM silver_cleaned_sensors")
    finally:
        assert server.stop() == 0
