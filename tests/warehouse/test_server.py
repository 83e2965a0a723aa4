"""The server itself: how it starts, follows the lakehouse, answers the alerts, and lets clients go."""

from __future__ import annotations

import re
import shutil
from datetime import timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from alerts.catalogue import SHIPPED, load_alert, load_alerts
from alerts.evaluate import Evaluation, evaluate
from alerts.model import Alert, State
from alerts.settings import Settings
from pipeline.foundation.clock import SystemClock
from pipeline.home.places import Home
from pipeline.notification.destination import OutboxDestination
from pipeline.warehouse.hive import HiveWarehouse, Result
from tests.warehouse.conftest import CHECKOUT, Server, eventually, free_port, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.spark, pytest.mark.slow]


def test_client_that_leaves_makes_hive_neither_look_for_a_metastore_nor_start_a_database(warehouse: Server) -> None:
    def mentioned() -> list[str]:
        return [line for line in warehouse.log().splitlines() if "metastore" in line.lower()]

    # Other clients of this server may have asked for a setting with that word in its name.
    before = mentioned()
    for _ in range(3):
        warehouse.connect().close()
    # Closing a session takes half a minute if Hive tries to reach one, and each attempt is logged.
    assert mentioned() == before
    for folder in (CHECKOUT, warehouse.home):
        assert [path for name in ("derby.log", "metastore_db") for path in folder.glob(name)] == []


@pytest.fixture
def later_table(warehouse: Server) -> Iterator[Path]:
    path = warehouse.path("later_table")
    yield path
    shutil.rmtree(path, ignore_errors=True)
    eventually(lambda: "later_table" not in {row[1] for row in warehouse.ask("SHOW TABLES")})


def test_new_table_appears_and_its_commits_are_seen_by_the_next_query(warehouse: Server, later_table: Path) -> None:
    write_deltalake(later_table, pa.table({"a": [1]}))
    eventually(lambda: "later_table" in {row[1] for row in warehouse.ask("SHOW TABLES")})
    assert warehouse.ask("SELECT * FROM later_table") == [(1,)]
    write_deltalake(later_table, pa.table({"a": [2]}), mode="append")
    assert warehouse.ask("SELECT a FROM later_table ORDER BY a") == [(1,), (2,)]
    write_deltalake(later_table, pa.table({"a": [3], "b": ["new"]}), mode="append", schema_mode="merge")
    assert warehouse.ask("SELECT b FROM later_table WHERE a = 3") == [("new",)]
    eventually(lambda: warehouse.columns("later_table") == ["a", "b"])


def test_port_that_is_in_use_is_reported_before_spark_starts(warehouse: Server) -> None:
    second = run("pipeline", "warehouse", "--port", str(warehouse.port), home=warehouse.home)
    assert second.returncode == 1
    assert f"cannot listen on 127.0.0.1:{warehouse.port}" in second.stderr
    assert "--port" in second.stderr


def evaluated(alert: Alert, port: int, home: Path) -> Evaluation:
    outbox = OutboxDestination(home / "outbox.jsonl", lambda _: None)
    url = f"hive://127.0.0.1:{port}/smart_factory"
    return evaluate(alert, HiveWarehouse(url), Settings(Home(home)), SystemClock(), destinations=[outbox])


class Counted:
    """The warehouse, with the statements it was asked."""

    def __init__(self, port: int) -> None:
        self._warehouse = HiveWarehouse(f"hive://127.0.0.1:{port}/smart_factory")
        self.statements: list[str] = []

    def query(self, sql: str) -> Result:
        self.statements.append(sql)
        return self._warehouse.query(sql)


def test_alert_of_hot_devices_is_triggered_by_one_query_and_one_for_freshness(
    warehouse: Server, tmp_path: Path
) -> None:
    alert = load_alerts(SHIPPED, ["overheating_equipment"], SystemClock().now())[0]
    counted = Counted(warehouse.port)
    # The readings are six hours old; some of them are hot.
    then = SystemClock().now() - timedelta(hours=6)
    found = evaluate(alert, counted, Settings(Home(tmp_path)), SystemClock(), at=then, destinations=[])
    assert found.state is State.TRIGGERED
    assert found.result is not None
    assert len(found.result.rows) > 1
    assert [len(re.findall(r"\bFROM silver_cleaned_sensors\b", sql)) for sql in counted.statements] == [1, 1]


def test_alert_without_a_warehouse_is_in_error_notified_once_and_recovers_by_itself(
    warehouse: Server, tmp_path: Path
) -> None:
    alert = load_alerts(SHIPPED, ["overheating_equipment"], SystemClock().now())[0]
    calm = alert.spec.model_copy(update={"freshness": None, "stale_after": None})
    alert = Alert(alert.key, calm, alert.sql)
    nobody = free_port()
    found = [evaluated(alert, port, tmp_path) for port in (nobody, nobody, warehouse.port, warehouse.port)]
    assert [one.state for one in found] == ["ERROR", "ERROR", "OK", "OK"]
    assert [one.message is not None for one in found] == [True, False, True, False]
    assert "does not answer" in found[0].row.reason


@pytest.mark.parametrize(
    ("sql", "column"),
    [
        ("SELECT device_id, nothing FROM sensor_readings", "nothing"),
        ("SELECT device_id FORM sensor_readings", "device_id"),
        ("SELECT device_id FROM sensor_readings", "temperature"),
        ("SELECT device_id FROM no_such_table", "device_id"),
        ("DELETE FROM silver_cleaned_sensors", "device_id"),
    ],
    ids=["unknown column", "no SQL", "column that the answer lacks", "unknown table", "no query"],
)
def test_alert_that_cannot_be_judged_is_an_error_at_check_and_never_ok(
    warehouse: Server, tmp_path: Path, sql: str, column: str
) -> None:
    (tmp_path / "a.sql").write_text(sql)
    (tmp_path / "a.yml").write_text(
        f"name: A\nquery: a.sql\ncondition: {{column: {column}, operator: '>', threshold: '0'}}\n"
        "empty_result_state: OK\nschedule: {every: 2m}\n"
    )
    found = evaluated(load_alert(tmp_path / "a.yml", SystemClock().now()), warehouse.port, tmp_path / "home")
    assert found.state is State.ERROR
    assert found.error is not None
    assert found.error.exit_code > 0
    assert "\n" not in found.row.reason
