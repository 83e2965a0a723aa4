"""Something that answers SQL: a protocol, and the SQL warehouse as its implementation."""

from __future__ import annotations

import logging
import re
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import SplitResult, unquote, urlsplit

from pipeline.foundation.errors import AuthorError, EnvironmentFaultError, LakehouseError
from pipeline.settings import DEFAULT_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_URL = f"hive://127.0.0.1:10000/{DEFAULT_SCHEMA}"
MAX_ROWS = 10_000
_JAVA_CLASSES = re.compile(r"^Error running query: (\[[\w.]+\] )?[\w.$]+Exception: ")
_TIMED_OUT = "Expected state FINISHED, but found TIMEDOUT"
_AUTHORS_FAULT = re.compile(r"\[(PARSE_SYNTAX_ERROR|UNRESOLVED_COLUMN|UNRESOLVED_ROUTINE|DATATYPE_MISMATCH)")
_TIME_LIMIT = timedelta(seconds=30)
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - servers listen there, clients do not connect there

# Thrift logs errors that are also raised here; without a handler they would be shown twice.
logging.getLogger("thrift").addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Result:
    """A query's answer.

    Attributes:
        columns: The columns' names, in order.
        rows: The rows, each as long as `columns`.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


class Warehouse(Protocol):
    """Something that answers SQL. Unqualified table names belong to the lakehouse's schema."""

    def query(self, sql: str) -> Result:
        """Return the answer, or raise if there is none."""
        ...


class WarehouseDownError(EnvironmentFaultError):
    """The warehouse did not answer."""


class QueryRefusedError(LakehouseError):
    """The warehouse answered that it will not run the query."""


class QueryWrongError(AuthorError):
    """The query itself is wrong: it does not parse, or names a column that does not exist."""


def refusal(text: str) -> LakehouseError:
    """Return the error for a warehouse's refusal, classified by whose fault it is."""
    first_line = next((line.strip() for line in text.splitlines() if line.strip()), "no reason given")
    if _TIMED_OUT in first_line:
        first_line = "it ran longer than a query may (`warehouse.query_time_limit`)"
    first_line = _JAVA_CLASSES.sub("", first_line)[:500]
    problem = f"The warehouse refused the query: {first_line.rstrip('.;')}."
    if _AUTHORS_FAULT.search(text):
        return QueryWrongError(problem, "Correct the alert's SQL.")
    return QueryRefusedError(problem, "Run an update if the table does not exist yet, or correct the alert's SQL.")


class HiveWarehouse:
    """The SQL warehouse over Thrift, with a new connection for each query.

    It therefore survives a restart of the warehouse. No query takes longer than the time limit.
    """

    def __init__(self, url: str, time_limit: timedelta = timedelta(seconds=60)) -> None:
        self._parts = _parts(url)
        self._time_limit = time_limit

    def query(self, sql: str) -> Result:
        """Return the answer to a query.

        Raises:
            WarehouseDownError: Nothing listens at the address, or no answer came within the time limit.
            QueryWrongError: The query does not parse or names an unknown column.
            QueryRefusedError: The warehouse refused it for another reason, or the answer has too many rows.
        """
        from pyhive.exc import Error  # noqa: PLC0415 - a check of settings needs no Thrift
        from thrift.Thrift import TException  # type: ignore[import-untyped]  # noqa: PLC0415

        try:
            with closing(self._connect()) as connection, closing(connection.cursor()) as cursor:
                cursor.execute(sql)
                columns = [str(column[0]) for column in cursor.description or ()]
                rows = cursor.fetchmany(MAX_ROWS + 1)
        except Error as error:
            raise refusal(_message(error)) from error
        except (TException, OSError, EOFError, AssertionError) as error:
            reason = str(error) or type(error).__name__
            problem = f"The warehouse at {self._parts.hostname}:{self._port} does not answer: {reason}."
            raise WarehouseDownError(problem, "Start it with `make warehouse`.") from error
        if len(rows) > MAX_ROWS:
            problem = f"The query returned more than {MAX_ROWS} rows."
            raise QueryRefusedError(problem, "Have it return only the rows that the alert is about.")
        return Result(columns, rows)

    @property
    def _port(self) -> int:
        return self._parts.port or 10000

    def _connect(self) -> Any:
        import thrift_sasl  # type: ignore[import-untyped]  # noqa: PLC0415
        from pyhive import hive  # noqa: PLC0415
        from thrift.transport.TSocket import TSocket  # type: ignore[import-untyped]  # noqa: PLC0415

        user = unquote(self._parts.username or "alerts")
        password = unquote(self._parts.password or "x")
        socket = TSocket(self._parts.hostname, self._port)
        socket.setTimeout(self._time_limit / timedelta(milliseconds=1))

        def sasl() -> Any:
            return hive.get_installed_sasl(
                host=self._parts.hostname, sasl_auth="PLAIN", service=None, username=user, password=password
            )

        transport = thrift_sasl.TSaslClientTransport(sasl, "PLAIN", socket)
        return hive.connect(database=self._parts.path.strip("/"), username=user, thrift_transport=transport)


def database_of(url: str) -> str:
    """Return the database in a warehouse's address.

    Raises:
        AuthorError: The address is not a complete one.
    """
    return _parts(url).path.strip("/")


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        is_complete = parts.scheme == "hive" and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_complete = False
    if not is_complete or not re.fullmatch(r"/\w+", parts.path):
        problem = f"The warehouse's address must have the form {DEFAULT_URL}."
        raise AuthorError(problem, "Correct SMART_FACTORY_WAREHOUSE_URL.")
    return parts


def _message(error: Exception) -> str:
    response = error.args[0] if error.args else error
    status = getattr(response, "status", None)
    return str(getattr(status, "errorMessage", None) or response)


def address(host: str, port: int, schema: str) -> str:
    """Return the address that clients on this machine use."""
    return f"hive://{_EVERYWHERE.get(host, host)}:{port}/{schema}"


def table_names(host: str, port: int, schema: str) -> list[str]:
    """Return the names of the tables and views that a warehouse serves, by asking it.

    Raises:
        LakehouseError: It does not answer, or refuses the query.
    """
    warehouse = HiveWarehouse(address(host, port, schema), _TIME_LIMIT)
    return [str(row[1]) for row in warehouse.query("SHOW TABLES").rows]


def answers(host: str, port: int, schema: str) -> bool:
    """Return whether a warehouse answers a query."""
    try:
        table_names(host, port, schema)
    except LakehouseError:
        return False
    return True
