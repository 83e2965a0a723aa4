"""Registers the lakehouse's tables with the warehouse, by scanning the lakehouse's folders again and again."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from pipeline.delta.commits import Watch
from pipeline.warehouse.read_only import files_database
from pipeline.warehouse.views import Views, load_views

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pyspark.sql import SparkSession
    from pyspark.sql.types import StructType

    from pipeline.home.places import Home
    from pipeline.settings import Settings

Mark = tuple[int, int]


@dataclass(frozen=True, order=True)
class Place:
    """A Delta table's name in the catalog, and its folder."""

    database: str
    name: str
    path: Path


class Registration:
    """Keeps a session's catalog in step with the lakehouse's folders; it writes nothing below the home.

    Args:
        spark: An unguarded session with an in-memory catalog.
        complain: Called once for each table or view that cannot be registered.
    """

    def __init__(self, spark: SparkSession, home: Home, settings: Settings, complain: Callable[[str], None]) -> None:
        self._spark = spark
        self._complain = complain
        self._schema = settings.target_schema
        self._folders = {
            self._schema: home.schema(self._schema).data,
            files_database(self._schema): home.schema(self._schema).file_states,
        }
        self._watches: dict[Place, Watch] = {}
        self._marks: dict[Place, Mark] = {}
        self._columns: dict[Place, StructType] = {}
        self._complaints: set[str] = set()
        for database in self._folders:
            spark.sql(f"CREATE DATABASE IF NOT EXISTS `{database}`")
            self._forget_others(database)
        spark.sql(f"USE `{self._schema}`")
        self._views = Views(spark, self._schema, load_views(settings.file))

    def _forget_others(self, database: str) -> None:
        """Take out the names that another lakehouse left in this catalog; a name never changes its folder."""
        names: Any = self._catalog.listTables(database)
        for index in range(names.size()):
            self._catalog.dropTable(database, names.apply(index), True, False)

    @property
    def tables(self) -> list[str]:
        """The names of the tables that are registered in the served database."""
        return sorted(place.name for place in self._columns if place.database == self._schema)

    def refresh(self) -> None:
        """Register new tables, forget deleted ones, and update the views."""
        found = {place: mark for place in self._places() if (mark := self._look(place)) is not None}
        for place in self._marks.keys() - found.keys():
            self._forget(place)
        changed = [place for place, mark in found.items() if self._marks.get(place) != mark]
        for place in sorted(changed):
            self._guarded(place.name, self._register, place, found[place])
        tables = {place.name: columns for place, columns in self._columns.items() if place.database == self._schema}
        files = {place.name: columns for place, columns in self._columns.items() if place.database != self._schema}
        for name, make in self._views.due(tables, files):
            self._guarded(name, make)

    def _places(self) -> Iterator[Place]:
        for database, folder in self._folders.items():
            if folder.is_dir():
                for entry in os.scandir(folder):
                    if entry.is_dir() and entry.name.isidentifier():
                        yield Place(database, entry.name, folder / entry.name)

    def _look(self, place: Place) -> Mark | None:
        return self._watches.setdefault(place, Watch(place.path)).look()

    def _register(self, place: Place, mark: Mark) -> None:
        known = self._marks.get(place)
        if known is not None and known[0] != mark[0]:
            self._forget(place)
        name = f"`{place.database}`.`{place.name}`"
        if place not in self._columns:
            location = str(place.path).replace("\\", "\\\\").replace("'", "\\'")
            self._spark.sql(f"CREATE TABLE IF NOT EXISTS {name} USING delta LOCATION '{location}'")
        columns = self._spark.table(name).schema
        if self._columns.get(place) != columns:
            # Delta leaves the catalog's own columns empty; JDBC's metadata calls read nothing else.
            jvm: Any = self._spark._jvm  # noqa: SLF001
            schema = jvm.org.apache.spark.sql.types.DataType.fromJson(columns.json())
            self._catalog.alterTableDataSchema(place.database, place.name, schema)
        self._columns[place] = columns
        self._marks[place] = mark

    def _forget(self, place: Place) -> None:
        self._marks.pop(place, None)
        if self._columns.pop(place, None) is not None:
            # Only an external table's name: its files are not the catalog's.
            self._catalog.dropTable(place.database, place.name, True, False)
            jvm: Any = self._spark._jvm  # noqa: SLF001
            path = jvm.org.apache.hadoop.fs.Path(str(place.path))
            jvm.org.apache.spark.sql.delta.DeltaLog.invalidateCache(self._session, path)

    def _guarded(self, name: str, work: Callable[..., None], *arguments: Any) -> None:
        """Do work whose failure must not keep other tables from being served."""
        try:
            work(*arguments)
        except (PySparkException, Py4JError, OSError) as error:
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            complaint = f"{name} cannot be served: {reason}"
            if complaint not in self._complaints:
                self._complaints.add(complaint)
                self._complain(complaint)

    @property
    def _session(self) -> Any:
        return self._spark._jsparkSession  # noqa: SLF001

    @property
    def _catalog(self) -> Any:
        return self._session.sharedState().externalCatalog()
