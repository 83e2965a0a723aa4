"""What Superset has to know about Spark's Thrift Server: time grains, names, and readable errors."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from superset.constants import TimeGrain
from superset.db_engine_specs.base import BaseEngineSpec
from superset.db_engine_specs.spark import SparkEngineSpec
from superset.errors import SupersetErrorType

if TYPE_CHECKING:
    from re import Pattern

    from sqlalchemy.engine.reflection import Inspector
    from sqlalchemy.engine.url import URL
    from superset.models.core import Database

_REFUSED = re.compile(r"errorMessage=['\"](?P<text>.*?)(?<!\\)['\"][,)]", re.DOTALL)
_NO_TABLE = re.compile(r"\[TABLE_OR_VIEW_NOT_FOUND\] The table or view (?P<name>[`\w.]+)")
_TIMED_OUT = "Expected state FINISHED, but found TIMEDOUT"
_JAVA_CLASSES = re.compile(r"^Error running query: (\[[\w.]+\] )?[\w.$]+(Exception|Error): ")


class StatementRefusedError(Exception):
    """The warehouse will not run a statement, or could not."""


class SparkWarehouseEngineSpec(SparkEngineSpec):
    """Spark behind its Thrift Server, read-only."""

    # Also the name of the SQL dialect with which Superset parses statements.
    engine = "spark"
    engine_name = "Spark SQL warehouse"
    supports_catalog = False
    supports_dynamic_catalog = False
    supports_file_upload = False
    # Spark's date_trunc returns timestamps, while Hive's grains return text.
    _time_grain_expressions = {  # noqa: RUF012 - the base class's own shape
        None: "{col}",
        **{
            grain: f"date_trunc('{unit}', {{col}})"
            for grain, unit in (
                (TimeGrain.SECOND, "second"),
                (TimeGrain.MINUTE, "minute"),
                (TimeGrain.HOUR, "hour"),
                (TimeGrain.DAY, "day"),
                (TimeGrain.WEEK, "week"),
                (TimeGrain.MONTH, "month"),
                (TimeGrain.QUARTER, "quarter"),
                (TimeGrain.YEAR, "year"),
            )
        },
        **{
            grain: f"timestamp_seconds(floor(unix_seconds({{col}}) / {seconds}) * {seconds})"
            for grain, seconds in (
                (TimeGrain.FIVE_SECONDS, 5),
                (TimeGrain.THIRTY_SECONDS, 30),
                (TimeGrain.FIVE_MINUTES, 300),
                (TimeGrain.TEN_MINUTES, 600),
                (TimeGrain.FIFTEEN_MINUTES, 900),
                (TimeGrain.THIRTY_MINUTES, 1800),
            )
        },
    }
    custom_errors: dict[Pattern[str], tuple[str, SupersetErrorType, dict[str, Any]]] = {  # noqa: RUF012
        re.compile(r"The SQL warehouse at (?P<host>\S+):(?P<port>\d+) does not answer"): (
            "",
            SupersetErrorType.CONNECTION_HOST_DOWN_ERROR,
            {"invalid": ["host", "port"]},
        ),
    }

    @staticmethod
    def execute(cursor: Any, query: str, database: Database, async_: bool = False) -> None:
        """Run a statement; a chart whose table does not exist yet gets no rows.

        SQL Lab runs asynchronously, and says that the table is missing.
        """
        try:
            cursor.execute(query, **{"async": async_})
        except Exception as error:
            missing = _NO_TABLE.search(str(error))
            if async_ or missing is None or not _is_dataset(missing["name"], database):
                raise StatementRefusedError(_sentence(error)) from error
            cursor.execute("SELECT 1 AS nothing WHERE false")

    @classmethod
    def get_table_names(cls, database: Database, inspector: Inspector, schema: str | None) -> set[str]:
        """Return the tables of a database, without its views."""
        return BaseEngineSpec.get_table_names.__func__(cls, database, inspector, schema)

    @classmethod
    def get_view_names(cls, database: Database, inspector: Inspector, schema: str | None) -> set[str]:
        """Return the views of a database."""
        return BaseEngineSpec.get_view_names.__func__(cls, database, inspector, schema)

    @classmethod
    def get_default_schema(cls, database: Database, catalog: str | None) -> str | None:
        """Return the database that the address names."""
        del catalog
        return database.url_object.database

    @classmethod
    def get_function_names(cls, database: Database) -> list[str]:
        """Return no names: the warehouse has its own list, and names a function that it refuses."""
        del database
        return []

    @classmethod
    def get_extra_table_metadata(cls, database: Database, table: Any) -> dict[str, Any]:
        """Return nothing: Delta tables refuse SHOW PARTITIONS."""
        del database, table
        return {}

    @classmethod
    def where_latest_partition(cls, *_: Any, **__: Any) -> None:
        """Return nothing: Delta tables refuse SHOW PARTITIONS."""
        return

    @classmethod
    def impersonate_user(
        cls, database: Database, username: str | None, user_token: str | None, url: URL, engine_kwargs: dict[str, Any]
    ) -> tuple[URL, dict[str, Any]]:
        """Return the connection unchanged: the warehouse has no users."""
        del database, username, user_token
        return url, engine_kwargs

    @classmethod
    def _extract_error_message(cls, ex: Exception | str) -> str:
        """Return an error in one sentence, which is all that SQL Lab shows."""
        return _sentence(ex)


def _sentence(error: Exception | str) -> str:
    """Return the first sentence of an error; Thrift's own text is a page of status fields."""
    # An error in a running statement is a pair, whose first element is a heading.
    words = [word for word in getattr(error, "args", ())[-1:] if isinstance(word, str)]
    text = words[0] if words else str(error)
    if refused := _REFUSED.search(text):
        text = refused["text"].replace("\\n", "\n").replace("\\'", "'")
    first_line = next((line.strip() for line in text.splitlines() if line.strip()), text)
    if _TIMED_OUT in first_line:
        return "The query ran longer than the warehouse allows."
    return _JAVA_CLASSES.sub("", first_line)


def _is_dataset(name: str, database: Database) -> bool:
    from superset import db  # noqa: PLC0415 - the application imports the engine specs before it has a database
    from superset.connectors.sqla.models import SqlaTable  # noqa: PLC0415

    table = name.replace("`", "").rsplit(".", 1)[-1]
    found = db.session.query(SqlaTable.id).filter_by(database_id=database.id, table_name=table, sql=None)
    return found.first() is not None
