"""The same warehouse inside a session that runs already: no port, the same tables, views and gates."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException

from alerts.warehouse import Result, refusal
from pipeline.warehouse.read_only import SETTINGS, Gates
from pipeline.warehouse.registration import Registration

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import SparkSession

    from pipeline.home import Home
    from pipeline.settings import Settings


class EmbeddedWarehouse:
    """Answers SQL in a guarded session of its own beside a given one, which stays as it is.

    Args:
        spark: The session that runs; its catalog takes in the tables and views.
        complain: Is told, once, of a table or view that cannot be served; the others are. Defaults to nobody.
    """

    def __init__(
        self, spark: SparkSession, home: Home, settings: Settings, complain: Callable[[str], None] = lambda _: None
    ) -> None:
        self._registration = Registration(spark.newSession(), home, settings, complain)
        session: Any = spark._jsparkSession.newSession()  # noqa: SLF001 - only this door leaves its state unmade
        Gates(spark, home, settings.target_schema).install(session)
        self._session = type(spark)(spark.sparkContext, session)
        for key, value in SETTINGS.items():
            self._session.conf.set(key, value)
        self._session.sql(f"USE `{settings.target_schema}`")

    def query(self, sql: str) -> Result:
        """Return the answer to a query over the lakehouse as it stands now; timestamps are naive, in UTC.

        Raises:
            QueryWrongError: The query does not parse or names an unknown column.
            QueryRefusedError: It is refused for another reason.
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
