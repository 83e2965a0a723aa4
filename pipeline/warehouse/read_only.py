"""Allows only reads: compiles the gates in `java/` with Spark's own compiler and puts them into its sessions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.foundation.errors import EnvironmentFaultError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from pipeline.home.places import Home

# A second line of defence, and what would happen before the gates see a statement.
SETTINGS = {
    "spark.sql.runSQLOnFiles": "false",
    # Otherwise '${env:SECRET}' in a statement reads the server's environment.
    "spark.sql.variable.substitute": "false",
}
_FOLDER = Path(__file__).parent
# Each is compiled against the ones before it.
_SOURCES = ("Refusal", "Allowed", "Answers", "StatementGate", "PlanGate", "Gates", "NoMetastore", "ThriftServer")
_PACKAGE = "smartfactory.warehouse"


def files_database(schema: str) -> str:
    """Return the database of the tables that record the state of each file."""
    return f"{schema}_files"


def allowed_functions() -> list[str]:
    """Return the names of the SQL functions that the warehouse serves."""
    return (_FOLDER / "functions.txt").read_text(encoding="utf-8").split()


class Gates:
    """The gates, compiled in a session's JVM.

    Args:
        spark: The session that registers tables; it is not guarded, and no client ever gets it.
        home: Only tables of this lakehouse can be read.
        schema: The database that is served.
    """

    def __init__(self, spark: SparkSession, home: Home, schema: str) -> None:
        self._spark = spark
        self._jvm: Any = spark._jvm  # noqa: SLF001 - PySpark has no public way to the JVM
        self._loader = self._compiled()
        folders = (home.schema(schema).data, home.schema(schema).file_states)
        places = {str(place) for folder in folders for place in (folder.absolute(), folder.resolve())}
        databases = ("default", schema, files_database(schema))
        self._allowed = self._new("Allowed", *map(self._list, (allowed_functions(), databases, places)))

    def install(self, only: Any = None) -> None:
        """Put the gates into one session that has no state yet, or into every session created from now on."""
        session: Any = self._spark._jsparkSession  # noqa: SLF001
        # Creates its own state first, without the gates.
        session.sessionState()
        self._new("Gates", self._allowed, only).install(session.extensions())

    def thrift_server(self) -> Any:
        """Start the Thrift Server with guarded sessions, and return an object whose `stop` ends it."""
        session: Any = self._spark._jsparkSession  # noqa: SLF001
        return self._new("ThriftServer", session)

    def _compiled(self) -> Any:
        loader = self._jvm.Thread.currentThread().getContextClassLoader()
        for name in _SOURCES:
            compiler = self._jvm.org.codehaus.janino.SimpleCompiler()
            compiler.setParentClassLoader(loader)
            compiler.cook((_FOLDER / "java" / f"{name}.java").read_text(encoding="utf-8"))
            loader = compiler.getClassLoader()
        return loader

    def _new(self, name: str, *arguments: Any) -> Any:
        constructors = self._loader.loadClass(f"{_PACKAGE}.{name}").getConstructors()
        gateway: Any = self._spark.sparkContext._gateway  # noqa: SLF001
        values = gateway.new_array(self._jvm.Object, len(arguments))
        for index, argument in enumerate(arguments):
            values[index] = argument
        return constructors[0].newInstance(values)

    def _list(self, words: Any) -> Any:
        found = self._jvm.java.util.ArrayList()
        for word in words:
            found.add(word)
        return found


class ServerNotStartedError(EnvironmentFaultError):
    """The Thrift Server cannot be started."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(
            f"The SQL warehouse cannot listen on {host}:{port}: {reason}.",
            "Stop the program that listens there, or choose another port with --port.",
        )
