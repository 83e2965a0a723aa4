"""The SQL warehouse that the dashboards query: its address, whether it answers, and how to start it."""

from __future__ import annotations

import os
import socket
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import urlsplit

from credentials import CHECKOUT

URL_VARIABLE = "SMART_FACTORY_WAREHOUSE_URL"
DEFAULT_PORT = 10000
_SCHEMA = "smart_factory"


@dataclass(frozen=True)
class Warehouse:
    """An address that SQL clients connect to.

    Attributes:
        is_ours: It may be started here when it does not answer.
    """

    host: str
    port: int
    schema: str
    is_ours: bool

    @classmethod
    def find(cls, port: int | None = None) -> Warehouse:
        """Return the warehouse of the environment, else the one of this machine.

        Raises:
            ValueError: The environment's address is not one.
        """
        given = os.environ.get(URL_VARIABLE)
        if not given or port is not None:
            return cls("127.0.0.1", port or DEFAULT_PORT, _SCHEMA, is_ours=True)
        parts = urlsplit(given)
        try:
            number = parts.port or DEFAULT_PORT
        except ValueError:
            number = 0
        schema = parts.path.strip("/")
        if parts.scheme not in {"hive", "spark"} or not parts.hostname or not number or not schema:
            raise ValueError(
                f"The warehouse's address must read hive://127.0.0.1:10000/smart_factory; got `{given}`. "
                f"Correct or unset {URL_VARIABLE}."
            )
        return cls(parts.hostname, number, schema, is_ours=False)

    @property
    def url(self) -> str:
        """The address for SQLAlchemy."""
        return f"spark://superset@{self.host}:{self.port}/{self.schema}"

    @property
    def command(self) -> list[str]:
        """The command that starts it, in the environment that has Spark."""
        python = CHECKOUT / ".venv" / "bin" / "python"
        return [str(python), "-m", "pipeline", "warehouse", "--host", self.host, "--port", str(self.port)]

    def answers(self) -> bool:
        """Return whether it answers a query."""
        try:
            socket.create_connection((self.host, self.port), timeout=2).close()
        except OSError:
            return False
        from pyhive import hive  # noqa: PLC0415 - needed only when something listens
        from pyhive.exc import Error  # noqa: PLC0415
        from thrift.Thrift import TException  # type: ignore[import-untyped]  # noqa: PLC0415

        try:
            with closing(hive.connect(self.host, self.port, username="superset", database=self.schema)) as connection:
                cursor = connection.cursor()
                cursor.execute("SELECT 1")
                return bool(cursor.fetchall() == [(1,)])
        except (Error, TException, OSError, EOFError):
            return False
