"""The warehouse as a service, which follows the lakehouse until a signal ends it."""

from __future__ import annotations

import socket
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from py4j.protocol import Py4JError

from pipeline.foundation.stop import Stop, stop_by_signal
from pipeline.home.places import Home
from pipeline.spark.session import build_session
from pipeline.warehouse.hive import address, answers
from pipeline.warehouse.java_process import JAVA_FLAGS, Java
from pipeline.warehouse.read_only import SETTINGS, Gates, ServerNotStartedError
from pipeline.warehouse.registration import Registration

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import SparkSession

    from pipeline.settings import Settings
    from pipeline.spark_settings import SparkSettings, WarehouseSettings

SECONDS_BETWEEN_SCANS = 1.0
_ATTEMPTS_TO_ANSWER = 60


def serve(home: Home, settings: Settings, host: str, port: int, say: Callable[[str], None]) -> None:
    """Serve a lakehouse until SIGTERM or SIGINT arrives.

    The home is only read. Spark and Hive write to a temporary folder, which is removed at the end.

    Args:
        home: The lakehouse.
        settings: The pipeline's settings; its target schema is the database that is served.
        host: The address to listen on; 0.0.0.0 for all.
        port: The port to listen on.
        say: Called once queries are answered, and for each table or view that cannot be served.

    Raises:
        ServerNotStartedError: Another program listens there, or no query is answered.
        WarehouseEndedError: Spark has ended, because a query exhausted its memory or for another reason.
        EnvironmentFaultError: Java or Delta's jars are missing.
    """
    _check_port(host, port)
    with (
        tempfile.TemporaryDirectory(prefix="lakehouse-warehouse-") as scratch,
        stop_by_signal(interrupt=True) as stop,
    ):
        spark = build_session(
            Home(Path(scratch)), _spark_settings(settings, host, port, scratch),
            name="SQL warehouse", data=home, java_flags=JAVA_FLAGS,
        )  # fmt: skip
        java = Java(spark.sparkContext, settings.spark.driver_memory)
        with stop_by_signal(stop):
            try:
                _serve(spark, java, home, settings, host, port, say, stop)
            except (Py4JError, ServerNotStartedError):
                java.check()
                raise
            finally:
                with suppress(Py4JError, OSError):
                    spark.stop()


def _serve(
    spark: SparkSession, java: Java, home: Home, settings: Settings, host: str, port: int,
    say: Callable[[str], None], stop: Stop,
) -> None:  # fmt: skip
    registration = Registration(spark, home, settings, say)
    registration.refresh()
    gates = Gates(spark, home, settings.target_schema)
    gates.install()
    try:
        server = gates.thrift_server()
    except Py4JError as error:
        raise ServerNotStartedError(host, port, str(error).splitlines()[-1]) from error
    try:
        _wait_for_answer(settings.target_schema, host, port, stop)
        if not stop.is_asked():
            tables = len(registration.tables)
            say(f"The SQL warehouse answers at {address(host, port, settings.target_schema)} ({tables} tables).")
        while not stop.wait(SECONDS_BETWEEN_SCANS):
            java.check()
            registration.refresh()
    finally:
        with suppress(Py4JError, OSError):
            server.stop()


def _wait_for_answer(schema: str, host: str, port: int, stop: Stop) -> None:
    for _ in range(_ATTEMPTS_TO_ANSWER):
        if answers(host, port, schema) or stop.wait(0.5):
            return
    raise ServerNotStartedError(host, port, "no query was answered there")


def _spark_settings(settings: Settings, host: str, port: int, scratch: str) -> SparkSettings:
    own = {
        **SETTINGS,
        **_limits(settings.warehouse),
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.hive.thriftServer.singleSession": "false",
        # Clients share the cores instead of waiting for another's long query.
        "spark.scheduler.mode": "FAIR",
        "spark.hadoop.hive.server2.thrift.bind.host": host,
        "spark.hadoop.hive.server2.thrift.port": str(port),
        "spark.hadoop.hive.server2.enable.doAs": "false",
        # Hive's default asks a metastore for roles before it lists a table.
        "spark.hadoop.hive.security.authorization.manager": (
            "org.apache.hadoop.hive.ql.security.authorization.DefaultHiveAuthorizationProvider"
        ),
        # Hive's own check would end idle sessions past the guard; they end with their connections anyway.
        "spark.hadoop.hive.server2.session.check.interval": "0ms",
        "spark.hadoop.hive.server2.logging.operation.log.location": str(Path(scratch) / "operations"),
    }
    spark = settings.spark
    configuration = {**spark.configuration, **own}
    return spark.model_copy(update={"master": spark.warehouse_master, "configuration": configuration})


def _limits(settings: WarehouseSettings) -> dict[str, str]:
    """Return Spark's settings with which a query that asks for too much fails alone."""
    return {
        "spark.sql.thriftServer.queryTimeout": f"{round(settings.query_time_limit.total_seconds())}s",
        "spark.sql.thriftServer.interruptOnCancel": "true",
        "spark.driver.maxResultSize": settings.result_limit,
        "spark.lakehouse.resultRows": str(settings.result_rows),
        # Both sides of a join may be large; the one that is sent whole to every task may not.
        "spark.sql.maxBroadcastTableSize": "128m",
    }


def _check_port(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ServerNotStartedError(host, port, error.strerror or str(error)) from error
