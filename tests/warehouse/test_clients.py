"""Clients as people use them: PyHive, SQLAlchemy, Spark's beeline, many at once, and one that dies."""

from __future__ import annotations

import csv
import io
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyspark
import pytest
from sqlalchemy import create_engine, inspect
from sqlalchemy.dialects import registry
from TCLIService.ttypes import TOperationState

from pipeline.warehouse.hive import HiveWarehouse
from tests.warehouse.conftest import CHECKOUT, eventually, free_port, run

if TYPE_CHECKING:
    from tests.warehouse.conftest import Server

pytestmark = [pytest.mark.spark, pytest.mark.slow]

JARS = Path(pyspark.__file__).parent / "jars" / "*"
VIEWS = {
    file.stem
    for folder in ("pipeline/warehouse/views", "pipeline/smart_factory_views")
    for file in (CHECKOUT / folder).glob("*.sql")
}
# No alert was evaluated in this lakehouse.
SERVED_VIEWS = VIEWS - {"alert_history"}
TABLES = {
    "bronze_sensor_readings",
    "silver_cleaned_sensors",
    "silver_quarantined_sensors",
    "gold_hourly_device_summary",
    "gold_device_status",
    "event_log",
}
SENSOR_READINGS = {
    "record_id": "string",
    "device_id": "string",
    "event_timestamp": "timestamp",
    "temperature_celsius": "double",
    "vibration_hz": "double",
    "location": "string",
    "warnings": "array<string>",
    "source_file": "string",
    "ingestion_timestamp": "timestamp",
    "humidity_percent": "double",
}
CLIENTS, QUERIES = 20, 5


def beeline(server: Server, *words: str) -> list[list[str]]:
    """Return the rows that Spark's own JDBC client prints."""
    answer = subprocess.run(
        ["java", "-cp", str(JARS), "org.apache.hive.beeline.BeeLine", "--silent=true", "--outputformat=csv2",
         "-n", "analyst", "-u", f"jdbc:hive2://127.0.0.1:{server.port}/smart_factory", *words],
        capture_output=True, text=True, check=False, timeout=120, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr[-2000:]
    return [row for row in csv.reader(io.StringIO(answer.stdout)) if row]


def test_pyhive_lists_tables_views_and_columns_and_reads_values(warehouse: Server) -> None:
    assert {row[1] for row in warehouse.ask("SHOW TABLES")} == TABLES | SERVED_VIEWS
    assert {row[1] for row in warehouse.ask("SHOW VIEWS")} == SERVED_VIEWS
    assert {row[0]: row[1] for row in warehouse.ask("DESCRIBE sensor_readings")} == SENSOR_READINGS
    silver = warehouse.rows("silver_cleaned_sensors")
    query = "SELECT record_id, temperature_celsius, humidity_percent FROM sensor_readings"
    assert sorted(warehouse.ask(query)) == sorted(
        (row["record_id"], row["temperature_celsius"], None) for row in silver
    )


@pytest.mark.parametrize("statement", ["EXPLAIN SELECT * FROM event_log", "DESCRIBE HISTORY event_log",
                                       "SHOW COLUMNS IN gold_hourly_device_summary", "SHOW DATABASES",
                                       "SHOW CREATE TABLE sensor_readings", "USE smart_factory", "SHOW FUNCTIONS",
                                       "SET TIME ZONE 'UTC'", "FROM event_log |> AGGREGATE count(*)"])  # fmt: skip
def test_statement_that_only_reads_is_served(warehouse: Server, statement: str) -> None:
    warehouse.ask(statement)


# PyHive still names its module in the old way.
@pytest.mark.filterwarnings("ignore:The dbapi:sqlalchemy.exc.SADeprecationWarning")
def test_sqlalchemy_inspection_lists_tables_views_and_columns(
    warehouse: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(CHECKOUT / "superset" / "plugin"))
    registry.register("sparkwarehouse.test", "spark_warehouse.dialect", "SparkWarehouseDialect")
    engine = create_engine(f"sparkwarehouse+test://127.0.0.1:{warehouse.port}/smart_factory")
    try:
        found = inspect(engine)
        assert set(found.get_table_names()) == TABLES
        assert set(found.get_view_names()) == SERVED_VIEWS
        assert [column["name"] for column in found.get_columns("sensor_readings")] == warehouse.columns(
            "sensor_readings"
        )
        assert found.has_table("event_log")
        assert not found.has_table("nothing")
    finally:
        engine.dispose()


def test_jdbc_metadata_lists_tables_views_and_columns(warehouse: Server) -> None:
    listed = beeline(warehouse, "-e", "!tables")
    kinds = {row[2]: row[3] for row in listed[1:] if row[1] == "smart_factory"}
    assert kinds == dict.fromkeys(TABLES, "TABLE") | dict.fromkeys(SERVED_VIEWS, "VIEW")
    columns = beeline(warehouse, "-e", "!columns sensor_readings")
    assert [row[3] for row in columns[1:]] == warehouse.columns("sensor_readings")
    assert len(beeline(warehouse, "-e", "!primarykeys sensor_readings")) <= 1


def test_sensor_analysis_runs_from_its_file_in_beeline(warehouse: Server) -> None:
    printed = beeline(warehouse, "-f", str(CHECKOUT / "notebooks" / "sensor_analysis.sql"))
    silver = [row for row in warehouse.rows("silver_cleaned_sensors") if row["temperature_celsius"] is not None]
    expected: list[list[str]] = []
    for location in sorted({row["location"] for row in silver}):
        heat = [row["temperature_celsius"] for row in silver if row["location"] == location]
        expected.append([location, f"{sum(heat) / len(heat):.2f}", str(max(heat)), str(len(heat))])
    first = [row for row in printed if len(row) == 4 and row[0].startswith("Factory")]
    assert [[row[0], f"{float(row[1]):.2f}", *row[2:]] for row in first] == expected
    # The readings are six hours old: the second query has its heading alone.
    assert printed[-1] == ["device_id", "location", "max_temperature_celsius", "last_hot_reading_at"]


def test_beeline_shows_a_refusal(warehouse: Server) -> None:
    answer = subprocess.run(
        ["java", "-cp", str(JARS), "org.apache.hive.beeline.BeeLine", "-n", "analyst",
         "-u", f"jdbc:hive2://127.0.0.1:{warehouse.port}/smart_factory", "-e", "DROP TABLE event_log"],
        capture_output=True, text=True, check=False, timeout=120, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert answer.returncode != 0
    assert 'This warehouse only reads and refuses "drop table"' in answer.stderr


def test_twenty_clients_at_once_get_their_own_answers(warehouse: Server) -> None:
    rows = len(warehouse.rows("silver_cleaned_sensors"))

    def client(number: int) -> list[Any]:
        with closing(warehouse.connect()) as connection, closing(connection.cursor()) as cursor:
            answers = []
            for query in range(QUERIES):
                cursor.execute(f"SELECT {number}, {query}, count(*) FROM sensor_readings")  # noqa: S608
                answers.append(cursor.fetchall())
            return answers

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(client, range(CLIENTS)))
    assert answers == [[[(number, query, rows)] for query in range(QUERIES)] for number in range(CLIENTS)]


def test_client_that_dies_in_the_middle_of_a_query_does_not_keep_others_from_answers(warehouse: Server) -> None:
    connection = warehouse.connect()
    cursor = connection.cursor()
    cursor.execute("SELECT sum(a.id * b.id % 7) FROM range(10000000) a CROSS JOIN range(10000000) b", async_=True)
    eventually(lambda: cursor.poll().operationState == TOperationState.RUNNING_STATE)
    # A client that dies does not close its session.
    thrift_socket = connection._transport._trans
    thrift_socket.handle.shutdown(socket.SHUT_RDWR)
    thrift_socket.handle.close()
    # The query would run for days; without a share of the cores, these would wait for its end.
    others = HiveWarehouse(f"hive://127.0.0.1:{warehouse.port}/smart_factory", timedelta(minutes=2))
    answers = [others.query("SELECT count(*) FROM event_log").rows for _ in range(3)]
    assert answers == [[(len(warehouse.rows("event_log")),)]] * 3


def test_check_says_whether_a_query_is_answered(warehouse: Server) -> None:
    well = run("pipeline", "warehouse", "--check", "--port", str(warehouse.port), home=warehouse.home)
    assert (well.returncode, well.stdout.strip()) == (
        0,
        f"The SQL warehouse answers: {len(TABLES | SERVED_VIEWS)} tables and views.",
    )
    down = run("pipeline", "warehouse", "--check", "--port", str(free_port()), home=warehouse.home)
    assert down.returncode == 1
    assert "does not answer" in down.stderr
    assert "Traceback" not in down.stderr
