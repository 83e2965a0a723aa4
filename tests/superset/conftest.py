"""The folder `superset/` is on the path of its own environment; here it is put there. One server for all tests."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.foundation.clock import SystemClock
from pipeline.home.places import Home
from tests.conftest import TestLakehouse

FOLDER = Path(__file__).resolve().parents[2] / "superset"
sys.path[:0] = [str(FOLDER), str(FOLDER / "plugin")]

from bundle import load_assets  # noqa: E402 - from the folder above

from tests.superset.server import PYTHON, Server, environment, free_port, wait_until  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

    from pipeline.update.result import UpdateResult


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if not PYTHON.exists():
        pytest.skip("There is no .venv-superset/; run `make test-superset`.")
    made = Server(tmp_path_factory.mktemp("superset") / "a home", free_port(), free_port(), {})
    made.start()
    yield made
    assert made.end() == 0, made.logs()


@dataclass
class Plant:
    """The lakehouse that the server's dashboards show, filled by the plant's own commands."""

    server: Server
    lakehouse: TestLakehouse

    def generate(self, *words: str) -> None:
        self._run("generators", *words)

    def update(self) -> UpdateResult:
        return self.lakehouse.update()

    def see_tables(self) -> None:
        """Wait until the warehouse serves what has been written; it looks for new tables once a second."""
        admin = self.server.client()
        [database] = admin.get("database/")["result"]
        tables = {path.name for path in self.lakehouse.path("x").parent.iterdir()}
        views = {asset.config["table_name"] for asset in load_assets() if asset.kind == "datasets"}
        if "alert_evaluations" not in tables:
            views -= {"alert_history"}

        def served() -> bool:
            found = admin.get(f"database/{database['id']}/tables/", q="(force:!t,schema_name:smart_factory)")
            return tables | views <= {entry["value"] for entry in found["result"]}

        wait_until(served)

    def check_alerts(self) -> None:
        url = f"hive://127.0.0.1:{self.server.warehouse_port}/smart_factory"
        self._run("alerts", "check", SMART_FACTORY_WAREHOUSE_URL=url)

    def _run(self, *words: str, allowed: set[int] | None = None, **more: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", *words, "--home", str(self.server.home)],
            cwd=FOLDER.parent, env=environment(**more), capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        assert done.returncode in (allowed or {0}), done.stdout + done.stderr


@pytest.fixture(scope="session")
def plant(server: Server, spark: SparkSession) -> Plant:
    clock: Any = SystemClock()
    return Plant(server, TestLakehouse(spark, Home(server.home), clock))
