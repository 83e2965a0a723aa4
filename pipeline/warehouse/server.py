"""The warehouse as a service: starts, follows the lakehouse, and ends when it is told."""

from __future__ import annotations

import signal
import socket
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from py4j.protocol import Py4JError

from pipeline.home import Home
from pipeline.session import build_session
from pipeline.warehouse.client import address, answers
from pipeline.warehouse.read_only import SETTINGS, Gates, ServerNotStartedError
from pipeline.warehouse.registration import Registration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from pyspark.sql import SparkSession

    from pipeline.settings import Settings, SparkSettings

SECONDS_BETWEEN_SCANS = 1.0
_ATTEMPTS_TO_ANSWER = 60


def serve(home: Home, settings: Settings, host: str, port: int, say: Callable[[str], None]) -> None:
    """Serve a lakehouse until SIGTERM or SIGINT arrives.

    The home is only read; what Spark and Hive write goes to a temporary folder, which is removed at the end.

    Args:
        home: The lakehouse.
        settings: The pipeline's settings; its target schema is the database that is served.
        host: The address to listen on; 0.0.0.0 for all.
        port: The port to listen on.
        say: Is told when the warehouse answers queries, and what cannot be served.

    Raises:
        ServerNotStartedError: Something else listens there, or no query is answered.
        EnvironmentFaultError: Java or Delta's jars are missing.
    """
    _check_port(host, port)
    stop = threading.Event()
    with tempfile.TemporaryDirectory(prefix="smart-factory-warehouse-") as scratch, _stopped_by_signals(stop):
        spark = build_session(
            Home(Path(scratch)), _spark_settings(settings.spark, host, port, scratch), name="Smart Factory warehouse"
        )
        with _stopped_by_signals(stop, quietly=True):
            try:
                _serve(spark, home, settings, host, port, say, stop)
            finally:
                spark.stop()


def _serve(
    spark: SparkSession, home: Home, settings: Settings, host: str, port: int,
    say: Callable[[str], None], stop: threading.Event,
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
        if not stop.is_set():
            tables = len(registration.tables)
            say(f"The SQL warehouse answers at {address(host, port, settings.target_schema)} ({tables} tables).")
        while not stop.wait(SECONDS_BETWEEN_SCANS):
            registration.refresh()
    finally:
        server.stop()


def _wait_for_answer(schema: str, host: str, port: int, stop: threading.Event) -> None:
    for _ in range(_ATTEMPTS_TO_ANSWER):
        if answers(host, port, schema) or stop.wait(0.5):
            return
    raise ServerNotStartedError(host, port, "no query was answered there")


def _spark_settings(settings: SparkSettings, host: str, port: int, scratch: str) -> SparkSettings:
    own = {
        **SETTINGS,
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.hive.thriftServer.singleSession": "false",
        # Twenty clients take turns instead of waiting for the first one's long query.
        "spark.scheduler.mode": "FAIR",
        "spark.hadoop.hive.server2.thrift.bind.host": host,
        "spark.hadoop.hive.server2.thrift.port": str(port),
        "spark.hadoop.hive.server2.enable.doAs": "false",
        # Hive's newer kind asks a metastore for roles before it lists a table.
        "spark.hadoop.hive.security.authorization.manager": (
            "org.apache.hadoop.hive.ql.security.authorization.DefaultHiveAuthorizationProvider"
        ),
        # It would end forgotten sessions behind the guard's back; they end with their connections anyway.
        "spark.hadoop.hive.server2.session.check.interval": "0ms",
        "spark.hadoop.hive.server2.logging.operation.log.location": str(Path(scratch) / "operations"),
    }
    return settings.model_copy(update={"configuration": {**settings.configuration, **own}})


def _check_port(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ServerNotStartedError(host, port, error.strerror or str(error)) from error


@contextmanager
def _stopped_by_signals(stop: threading.Event, *, quietly: bool = False) -> Iterator[None]:
    """Set the event when the process is told to end; unless quietly, the running call is broken off too."""

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        stop.set()
        if not quietly:
            raise KeyboardInterrupt

    kept = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
