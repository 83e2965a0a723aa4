"""Sessions on a cluster that follow another in the same process, and sessions whose master starts again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, cast

import pytest

from pipeline.foundation.clock import FixedClock
from pipeline.home.places import CHECKOUT, Home
from pipeline.spark.cluster import private_defaults, secret_file
from pipeline.spark_settings import SPARK_VARIABLES
from tests.conftest import NOON, TABLES, TestLakehouse, reading

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from tests.cluster.standalone import Cluster

pytestmark = pytest.mark.cluster

_SECONDS = 900


def test_page_s_updates_go_on_in_new_sessions_whatever_session_the_process_had_before(
    cluster: Cluster, tmp_path: Path
) -> None:
    home = Home(tmp_path / "page")
    lakehouse = TestLakehouse(cast("Any", None), home, FixedClock(NOON))
    for name in ("a", "b"):
        lakehouse.land(f".{name}.json", [reading(), reading(None)])
    # A parent with a session on the cluster leaves this to its children: their session on this machine reads it too.
    defaults = str(private_defaults(cluster.home))
    environment = {**os.environ, SPARK_VARIABLES["cores_max"]: "1", "SPARK_CONF_DIR": defaults}
    ran = subprocess.run(
        [sys.executable, "-m", "tests.cluster.page", str(tmp_path), str(secret_file(cluster.home))],
        cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False, timeout=_SECONDS,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    lakehouse.assert_invariants()
    assert [len(lakehouse.rows(table)) for table in TABLES] == [4, 2, 2, 1, 1]


def test_session_gets_new_executors_from_a_master_that_has_started_again(spark: SparkSession, cluster: Cluster) -> None:
    assert spark.range(4).count() == 4
    cluster.restart_master()
    for executor in cluster.executors():
        os.kill(executor, signal.SIGKILL)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(spark.range(4).count).result(timeout=_SECONDS) == 4


def test_master_that_never_answers_is_named_in_the_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        master = f"spark://127.0.0.1:{silent.getsockname()[1]}"
        ran = subprocess.run(
            [sys.executable, "-m", "pipeline", "run", "--home", str(tmp_path / "home")],
            cwd=CHECKOUT, env={**os.environ, SPARK_VARIABLES["master"]: master}, capture_output=True, text=True,
            check=False, timeout=_SECONDS,
        )  # fmt: skip
    assert ran.returncode == 1
    assert f"The Spark master at {master} did not register this session" in ran.stderr
