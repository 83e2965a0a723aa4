"""The server as people and programs meet it: rights, SQL Lab, headers, a wrong warehouse, a restart."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
import requests
from bundle import load_assets

from tests.superset.server import CHECKOUT, PYTHON, Client, Server, environment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.superset.conftest import Plant

pytestmark = pytest.mark.superset
DASHBOARDS = {asset.config["slug"]: asset.uuid for asset in load_assets() if asset.kind == "dashboards"}


def run_sql(client: Client, sql: str) -> requests.Response:
    [database] = client.get("database/")["result"]
    body = {"database_id": database["id"], "sql": sql, "schema": "smart_factory", "runAsync": False, "queryLimit": 100}
    return client.ask("POST", "sqllab/execute/", json=body)


@pytest.fixture(scope="module")
def filled(plant: Plant) -> Plant:
    if not plant.lakehouse.rows("silver_cleaned_sensors", "record_id"):
        plant.generate("batch", "--at", "-6h")
        plant.update()
    plant.see_tables()
    return plant


def test_page_forbids_the_browser_to_ask_any_other_host(server: Server) -> None:
    policy = requests.get(f"{server.url}/login/", timeout=30).headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "http:" not in policy
    assert "https:" not in policy


def test_wrong_password_is_refused(server: Server) -> None:
    for user, password in (("admin", "admin"), ("viewer", "viewer"), ("admin", "")):
        body = {"username": user, "password": password, "provider": "db"}
        answer = requests.post(f"{server.url}/api/v1/security/login", json=body, timeout=30)
        assert answer.status_code in {400, 401}


def test_report_of_the_login_page_that_comes_after_the_sign_in_leaves_its_session_alone(server: Server) -> None:
    visitor = requests.Session()
    visitor.get(f"{server.url}/login/", timeout=30)
    answer = visitor.post(f"{server.url}/superset/log/?explode=events", timeout=30, allow_redirects=False)
    assert answer.status_code == 204
    assert "Set-Cookie" not in answer.headers


def test_viewer_sees_both_dashboards_and_their_data(server: Server, filled: Plant) -> None:
    assert filled
    viewer = server.client("viewer")
    found = viewer.get("dashboard/")["result"]
    assert {entry["slug"] for entry in found} == DASHBOARDS.keys()
    for entry in found:
        charts = viewer.get(f"dashboard/{entry['id']}/charts")["result"]
        assert len(charts) > 10


def test_viewer_may_do_nothing_else(server: Server) -> None:
    viewer, admin = server.client("viewer"), server.client()
    [database] = admin.get("database/")["result"]
    chart = next(iter(admin.ids("chart").values()))
    refused = {
        "sql": viewer.ask("POST", "sqllab/execute/", json={"database_id": database["id"], "sql": "SELECT 1"}),
        "databases": viewer.ask("GET", "database/"),
        "saved queries": viewer.ask("GET", "saved_query/"),
        "users": viewer.ask("GET", "security/users/"),
        "change a dashboard": viewer.ask("PUT", "dashboard/1", json={"dashboard_title": "mine"}),
        "delete a chart": viewer.ask("DELETE", f"chart/{chart}"),
        "make a dashboard": viewer.ask("POST", "dashboard/", json={"dashboard_title": "mine"}),
        "data outside a dashboard": viewer.ask("GET", f"chart/{chart}/data/"),
        "import": viewer.ask("POST", "assets/import/"),
    }
    not_refused = {what: answer.text[:200] for what, answer in refused.items() if answer.status_code not in {403, 404}}
    assert not_refused == {}


@pytest.mark.spark
def test_sql_lab_lists_tables_and_views_with_their_columns(server: Server, filled: Plant) -> None:
    assert filled
    admin = server.client()
    [database] = admin.get("database/")["result"]
    place = f"database/{database['id']}"
    assert "smart_factory" in admin.get(f"{place}/schemas/", q="(force:!t)")["result"]
    listed = admin.get(f"{place}/tables/", q="(force:!t,schema_name:smart_factory)")["result"]
    kinds = {entry["value"]: entry["type"] for entry in listed}
    assert kinds["gold_hourly_device_summary"] == "table"
    assert kinds["sensor_readings"] == "view"
    metadata = admin.get(f"{place}/table_metadata/", name="gold_hourly_device_summary", schema="smart_factory")
    assert {column["name"]: column["type"] for column in metadata["columns"]}["window_start"] == "TIMESTAMP"
    assert metadata["columns"][0]["name"] == "device_id"


@pytest.mark.spark
def test_sql_lab_answers_the_saved_queries_and_says_what_is_wrong(server: Server, filled: Plant) -> None:
    assert filled
    admin = server.client()
    saved = {entry["label"]: entry["sql"] for entry in admin.get("saved_query/")["result"]}
    assert saved.keys() == {"Average temperature by location", "Hot devices of the last three hours"}
    rows = run_sql(admin, saved["Average temperature by location"]).json()["data"]
    assert [row["location"] for row in rows] == ["Factory Floor A", "Factory Floor B"]
    assert run_sql(admin, saved["Hot devices of the last three hours"]).status_code == 200
    missing = run_sql(admin, "SELECT * FROM no_such_table")
    assert missing.status_code >= 400
    assert "no_such_table" in missing.text
    assert "TExecuteStatementResp" not in missing.text
    for refused in ("DROP TABLE gold_hourly_device_summary", "DELETE FROM silver_cleaned_sensors"):
        assert run_sql(admin, refused).status_code >= 400


@pytest.mark.spark
@pytest.mark.parametrize("grain", ["PT1S", "PT5M", "PT1H", "P1D", "P1W", "P1M", "P3M", "P1Y"])
def test_time_grain_gives_times_that_begin_it(server: Server, filled: Plant, grain: str) -> None:
    assert filled
    admin = server.client()
    dataset = next(asset for asset in load_assets() if asset.path.endswith("/gold_hourly_device_summary.yaml"))
    axis = {"timeGrain": grain, "columnType": "BASE_AXIS", "sqlExpression": "window_start", "label": "window_start",
            "expressionType": "SQL"}  # fmt: skip
    query = {"columns": [axis], "metrics": ["readings"], "extras": {"time_grain_sqla": grain}}
    source = {"id": admin.ids("dataset")[dataset.uuid], "type": "table"}
    [result] = admin.post("chart/data", {"datasource": source, "queries": [query]})["result"]
    assert result["data"]
    assert all(isinstance(row["window_start"], int | float) for row in result["data"])


@pytest.mark.parametrize(
    ("more", "words", "code", "problem"),
    [
        ({"SMART_FACTORY_WAREHOUSE_URL": "nowhere"}, [], 2, "must read hive://127.0.0.1:10000/smart_factory"),
        ({}, ["--port", "TAKEN"], 1, "Superset cannot listen on 127.0.0.1:"),
    ],
)
def test_start_that_cannot_be_is_one_message(
    server: Server, tmp_path: Path, more: dict[str, str], words: list[str], code: int, problem: str
) -> None:
    words = [str(server.port) if word == "TAKEN" else word for word in words]
    done = subprocess.run(
        [str(PYTHON), str(CHECKOUT / "superset" / "serve.py"), "--home", str(tmp_path), *words],
        env=environment(**more), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == code
    assert problem in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
