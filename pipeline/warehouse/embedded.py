"""The warehouse inside a running session: no port, but the same tables, views and gates."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException

from pipeline.warehouse.hive import Result, refusal
from pipeline.warehouse.read_only import SETTINGS, Gates
from pipeline.warehouse.registration import Registration

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import SparkSession

    from pipeline.home.places import Home
    from pipeline.settings import Settings


class EmbeddedWarehouse:
    """Answers SQL in a guarded session of its own beside a given one, which stays unguarded.

    Args:
        spark: The running session; its catalog gets the tables and views.
        complain: Called once for each table or view that cannot be served. Defaults to ignoring it.
    """

    def __init__(
        self, spark: SparkSession, home: Home, settings: Settings, complain: Callable[[str], None] = lambda _: None
    ) -> None:
        self._registration = Registration(spark.newSession(), home, settings, complain)
        session: Any = spark._jsparkSession.newSession()  # noqa: SLF001 - `newSession` would already create its state
        Gates(spark, home, settings.target_schema).install(session)
        self._session = type(spark)(spark.sparkContext, session)
        for key, value in SETTINGS.items():
            self._session.conf.set(key, value)
        self._session.sql(f"USE `{settings.target_schema}`")

    def query(self, sql: str) -> Result:
        """Return the answer to a query over the lakehouse's current tables; timestamps are naive, in UTC.

        Raises:
            QueryWrongError: The query does not parse or names an unknown column.
            QueryRefusedError: The warehouse refuses it for another reason.
        """
        self._registration.refresh()
        try:
            answer = self._session.sql(sql).toArrow()
        except PySparkException as error:
            raise refusal(str(error)) from error
        except Py4JJavaError as error:
            raise refusal(str(error.java_exception)) from error
        columns = [[_plain(value) for value in column.to_pylist()] for column in answer.columns]
        return Result(answer.column_names, list(zip(*columns, strict=True)))


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) and value.tzinfo else value
