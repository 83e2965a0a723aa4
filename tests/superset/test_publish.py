"""Publishing, and what a restart and a silent warehouse come to; on a metadata database of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from bundle import ASSETS, load_assets

from tests.superset.server import CHECKOUT, PYTHON, Server, environment, free_port

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.superset


@dataclass
class Published:
    home: Path
    steps: dict[str, Any]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    if not PYTHON.exists():
        pytest.skip("There is no .venv-superset/; run `make test-superset`.")
    folder = tmp_path_factory.mktemp("published")
    shutil.copytree(ASSETS, folder / "assets")
    superset = CHECKOUT / "superset"
    done = subprocess.run(
        [str(PYTHON), str(CHECKOUT / "tests" / "superset" / "publishing.py"), str(superset), str(folder / "assets"),
         "spark://superset@127.0.0.1:1/smart_factory"],
        env=environment(SMART_FACTORY_HOME=str(folder / "home"),
                        SUPERSET_CONFIG_PATH=str(superset / "superset_config.py")),
        cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    steps = [line for line in done.stdout.splitlines() if line.startswith("STEPS ")]
    assert steps, done.stderr[-4000:]
    return Published(folder / "home", json.loads(steps[0].removeprefix("STEPS ")))


def test_publishing_twice_is_publishing_once(published: Published) -> None:
    assert published.steps["first"] == [asset.path for asset in load_assets()]
    assert published.steps["again"] == []


def test_viewers_see_both_dashboards_and_no_other(published: Published) -> None:
    for step in ("before", "users' work", "chart edited"):
        assert published.steps[step]["viewers"] == ["Dashboard viewer"] * 2


def test_what_users_made_and_changed_stays(published: Published) -> None:
    assert published.steps["after a user's work"] == []
    before, after = published.steps["before"], published.steps["users' work"]
    assert (after["own chart"], after["own dashboard"], after["own metric"]) == (1, 1, ["max(risk)"])
    assert after["renamed"] == before["ours"]


def test_edit_of_ours_updates_that_object_in_place_and_keeps_what_users_added(published: Published) -> None:
    assert published.steps["after our edit of the dataset"] == ["datasets/Smart_Factory/device_status.yaml"]
    edited = published.steps["dataset edited"]
    assert edited["description"].startswith("Every device")
    assert edited["own metric"] == ["max(risk)"]
    assert published.steps["after our edit of the chart"] == ["charts/devices_reporting_now.yaml"]
    assert published.steps["chart edited"]["edited"] == published.steps["before"]["ours"]
    assert published.steps["chart edited"]["own dashboard"] == 1
    assert published.steps["chart edited"]["counts"] == published.steps["users' work"]["counts"]


def test_object_of_ours_that_somebody_deleted_comes_back(published: Published) -> None:
    assert published.steps["after a deletion"] == ["charts/devices_reporting_now.yaml"]


def test_file_that_superset_does_not_take_is_named_and_changes_nothing(published: Published) -> None:
    assert published.steps["of a broken file"].startswith("charts/devices_reporting_now.yaml: ")
    assert published.steps["left as it was"]


def test_wrong_warehouse_is_one_clear_message_and_a_restart_loses_nothing(published: Published) -> None:
    silent = free_port()
    more = {"SMART_FACTORY_WAREHOUSE_URL": f"hive://127.0.0.1:{silent}/smart_factory"}
    server = Server(published.home, free_port(), 0, more).start()
    try:
        assert f"127.0.0.1:{silent} does not answer" in server.output
        admin = server.client()
        answer = admin.ask("GET", f"chart/{next(iter(admin.ids('chart').values()))}/data/")
        assert f"The SQL warehouse at 127.0.0.1:{silent} does not answer. Start it with `make warehouse`" in answer.text
        made = admin.post("dashboard/", {"dashboard_title": "Made by hand"})["id"]
        password, key = server.password("admin"), published.home / "state" / "superset" / "secret_key"
        before = (admin.ids("chart"), admin.ids("dashboard"), key.read_text(encoding="utf-8"))
    finally:
        assert server.end() == 0
    again = Server(published.home, server.port, 0, more).start()
    try:
        admin = again.client()
        assert (admin.ids("chart"), admin.ids("dashboard"), key.read_text(encoding="utf-8")) == before
        assert again.password("admin") == password
        assert admin.get(f"dashboard/{made}")["result"]["dashboard_title"] == "Made by hand"
    finally:
        assert again.end() == 0
