"""A SQLAlchemy dialect based on PyHive's, which reads Spark's answers: they have other columns than Hive's."""

from __future__ import annotations

import re
from typing import Any

from pyhive import hive
from pyhive.sqlalchemy_hive import HiveDialect, HiveTimestamp, _type_map
from sqlalchemy import exc, text, types
from thrift.transport.TTransport import TTransportException  # type: ignore[import-untyped]

_TYPES = {
    **_type_map,
    "timestamp_ntz": HiveTimestamp,
    "variant": types.String,
    "interval": types.String,
    "void": types.String,
}


class WarehouseSilentError(ConnectionError):
    """Nothing answers at the warehouse's address."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"The SQL warehouse at {host}:{port} does not answer. Start it with `make warehouse`, then refresh."
        )


class SparkWarehouseDialect(HiveDialect):  # type: ignore[misc]
    """`spark://user@host:port/database`."""

    name = "spark"
    driver = "thrift"
    supports_statement_cache = False

    @classmethod
    def import_dbapi(cls) -> Any:
        """Return PyHive's module, by the method name that SQLAlchemy 2 uses."""
        return hive

    def connect(self, *arguments: Any, **parameters: Any) -> Any:
        """Return a connection.

        Raises:
            WarehouseSilentError: Nothing answers there.
        """
        try:
            return super().connect(*arguments, **parameters)
        except (TTransportException, OSError) as error:
            raise WarehouseSilentError(parameters["host"], parameters["port"]) from error

    def get_schema_names(self, connection: Any, **_: Any) -> list[str]:
        """Return the databases."""
        return [row[0] for row in connection.execute(text("SHOW SCHEMAS"))]

    def get_table_names(self, connection: Any, schema: str | None = None, **_: Any) -> list[str]:
        """Return the tables of a database, without its views."""
        views = set(self.get_view_names(connection, schema))
        return [name for name in self._names(connection, "TABLES", schema) if name not in views]

    def get_view_names(self, connection: Any, schema: str | None = None, **_: Any) -> list[str]:
        """Return the views of a database."""
        return self._names(connection, "VIEWS", schema)

    def has_table(self, connection: Any, table_name: str, schema: str | None = None, **_: Any) -> bool:
        """Return whether a database has a table or view of this name."""
        return table_name in self._names(connection, "TABLES", schema)

    def get_columns(
        self, connection: Any, table_name: str, schema: str | None = None, **_: Any
    ) -> list[dict[str, Any]]:
        """Return a table's columns with their types and comments.

        Raises:
            NoSuchTableError: The table or view does not exist.
        """
        if not self.has_table(connection, table_name, schema):
            raise exc.NoSuchTableError(table_name)
        columns = []
        for name, type_name, comment in connection.execute(text(f"DESCRIBE {self._quoted(table_name, schema)}")):
            if not name or name.startswith("#"):
                # The partition columns follow, which were already listed.
                break
            base = re.match(r"\w+", type_name)
            columns.append(
                {
                    "name": name,
                    "type": _TYPES.get(base[0] if base else "", types.String),
                    "nullable": True,
                    "default": None,
                    "comment": comment or None,
                }
            )
        return columns

    def get_indexes(self, connection: Any, table_name: str, schema: str | None = None, **_: Any) -> list[Any]:
        """Return nothing: Spark's tables have no indexes."""
        del connection, table_name, schema
        return []

    def _names(self, connection: Any, kind: str, schema: str | None) -> list[str]:
        place = f" IN {self._quoted(schema)}" if schema else ""
        # Spark answers with namespace, name, isTemporary.
        return [row[1] for row in connection.execute(text(f"SHOW {kind}{place}")) if not row[2]]

    def _quoted(self, name: str, schema: str | None = None) -> str:
        quote = self.identifier_preparer.quote_identifier
        return f"{quote(schema)}.{quote(name)}" if schema else str(quote(name))
