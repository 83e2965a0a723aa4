"""What a session gets for a cluster, without a cluster."""

from __future__ import annotations

import socket
import stat
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.foundation.errors import EnvironmentFaultError
from pipeline.home.places import Home
from pipeline.spark.cluster import (
    LOCAL_VARIABLE,
    SECRET_VARIABLE,
    CodeChangedError,
    check_code,
    cluster_options,
    engine_archive,
    hand_over_secret,
    own_address,
    private_defaults,
    secret_file,
)
from pipeline.spark_settings import SparkSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

JARS = [Path("/jars/a.jar"), Path("/jars/b.jar")]


@pytest.fixture(autouse=True)
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "local"
    monkeypatch.setenv(LOCAL_VARIABLE, str(folder))
    monkeypatch.delenv(SECRET_VARIABLE, raising=False)
    return folder


@pytest.fixture
def port() -> Iterator[int]:
    """The port of something that listens on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_cluster_options_bind_to_the_address_that_reaches_the_master(port: int, local: Path) -> None:
    options = cluster_options(SparkSettings(master=f"spark://127.0.0.1:{port}"), JARS)
    assert options["spark.driver.host"] == options["spark.driver.bindAddress"] == "127.0.0.1"
    assert options["spark.jars"] == "/jars/a.jar,/jars/b.jar"
    assert options["spark.local.dir"] == str(local)
    assert options["spark.authenticate"] == "true"
    assert not {"spark.executor.cores", "spark.cores.max"} & set(options)


def test_cluster_options_take_the_executors_size_from_the_settings() -> None:
    settings = SparkSettings(
        master="spark://m:7077", driver_host="10.0.0.9", executor_memory="4g", executor_cores=3, cores_max=7
    )
    options = cluster_options(settings, JARS)
    assert options["spark.driver.host"] == "10.0.0.9"
    assert options["spark.executor.memory"] == "4g"
    assert options["spark.executor.cores"] == "3"
    assert options["spark.cores.max"] == "7"


def test_cluster_options_on_kubernetes_count_executors_and_name_the_driver_s_pod() -> None:
    settings = SparkSettings(master="k8s://https://k:443", driver_host="10.0.0.9", executor_cores=3, cores_max=7)
    options = cluster_options(settings, JARS)
    assert options["spark.executor.instances"] == "3"
    assert options["spark.kubernetes.driver.pod.name"] == socket.gethostname()
    assert "spark.cores.max" not in options


def test_master_that_nothing_listens_at_is_refused_with_a_remedy(port: int) -> None:
    own_address(f"spark://127.0.0.1:{port}")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(EnvironmentFaultError, match="cannot be reached") as caught:
            own_address(f"spark://127.0.0.1:{taken.getsockname()[1]}")
    assert "docs/cluster.md" in caught.value.remedy


def test_secret_is_created_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    path = secret_file(home)
    secret = path.read_text(encoding="ascii")
    assert path == home.cluster_secret
    assert len(secret) > 40
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert secret_file(home).read_text(encoding="ascii") == secret
    assert [file.name for file in path.parent.iterdir()] == ["secret"]


def test_secret_of_the_environment_is_used_instead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = tmp_path / "given"
    given.write_text("of the cluster\n", encoding="ascii")
    monkeypatch.setenv(SECRET_VARIABLE, str(given))
    defaults = private_defaults(Home(tmp_path / "home")) / "spark-defaults.conf"
    assert defaults.read_text(encoding="ascii").splitlines() == [
        "spark.authenticate true",
        "spark.network.crypto.enabled true",
        "spark.network.crypto.saslFallback false",
        "spark.authenticate.secret of the cluster",
    ]
    assert stat.S_IMODE(defaults.stat().st_mode) == 0o600
    assert stat.S_IMODE(defaults.parent.stat().st_mode) == 0o700


def test_archive_has_the_engine_s_modules_and_a_name_that_its_content_decides() -> None:
    archive = engine_archive()
    assert engine_archive() == archive
    with zipfile.ZipFile(archive) as content:
        names = content.namelist()
    assert {"pipeline/__init__.py", "pipeline/spark/cluster.py", "pipeline/ingest/workers.py"} <= set(names)
    assert all(name.startswith("pipeline/") and name.endswith(".py") for name in names)
    check_code(archive.name)
    with pytest.raises(CodeChangedError, match="have changed since this process sent them"):
        check_code("pipeline-0123456789abcdef.zip")


@pytest.mark.spark
def test_secret_reaches_a_session_whose_jvm_already_runs_as_a_setting(spark: SparkSession, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    assert spark.range(1).count() == 1
    secret = secret_file(home).read_text(encoding="ascii")
    assert hand_over_secret(home) == {"spark.authenticate.secret": secret}
