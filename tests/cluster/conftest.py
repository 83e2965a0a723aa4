"""One cluster and one session over it, for all tests of this folder."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pipeline.home.places import Home
from pipeline.quality.suites import CACHE_VARIABLE
from pipeline.spark.cluster import LOCAL_VARIABLE, SECRET_VARIABLE, secret_file
from pipeline.spark.session import build_session
from pipeline.spark_settings import SPARK_VARIABLES, SparkSettings
from tests.cluster.standalone import Cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A master and two workers, which have another version of the engine on their Python path: it must not be used."""
    folder = tmp_path_factory.mktemp("cluster")
    other = folder / "other version"
    (other / "pipeline").mkdir(parents=True)
    (other / "pipeline" / "__init__.py").write_text("raise ImportError('another version of the engine')\n")
    home = Home(folder / "home")
    home.make_writable()
    running = Cluster(home, folder, other, worker_cores=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(LOCAL_VARIABLE, str(folder / "driver"))
        patch.setenv(SECRET_VARIABLE, str(secret_file(home)))
        patch.setenv(SPARK_VARIABLES["master"], running.address)
        patch.setenv(SPARK_VARIABLES["cores_max"], "2")
        patch.setenv(SPARK_VARIABLES["executor_cores"], "1")
        try:
            running.start()
            yield running
        finally:
            running.stop()


@pytest.fixture(scope="session")
def spark(cluster: Cluster) -> Iterator[SparkSession]:
    """A session on the cluster, which the fixture `lakehouse` uses."""
    os.environ[CACHE_VARIABLE] = str(cluster.folder / "cache")
    settings = SparkSettings(master="spark://replaced:1").with_environment(os.environ)
    session = build_session(cluster.home, settings)
    yield session
    session.stop()
