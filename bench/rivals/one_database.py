"""DuckDB over the Delta tables: one process, no other clients, no gates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
from deltalake import DeltaTable
from pyarrow.fs import LocalFileSystem, SubTreeFileSystem

from bench.chart_queries import OF_THE_PLANT, in_duckdb
from pipeline.settings import DEFAULT_SETTINGS
from pipeline.warehouse.views import load_views

if TYPE_CHECKING:
    from pathlib import Path


class OneDatabase:
    """Answers SQL in DuckDB's dialect over the tables of a folder and the factory's views."""

    def __init__(self, schema: Path) -> None:
        self._connection = duckdb.connect()
        self._connection.execute("SET TimeZone = 'UTC'")
        # A function of Spark's that DuckDB lacks, as far as the views use it: the text after the last delimiter.
        self._connection.execute("CREATE MACRO substring_index(text, mark, number) AS string_split(text, mark)[number]")
        for folder in sorted(schema.iterdir()):
            if DeltaTable.is_deltatable(str(folder)):
                self._connection.register(
                    folder.name,
                    DeltaTable(folder).to_pyarrow_dataset(filesystem=SubTreeFileSystem(str(folder), LocalFileSystem())),
                )
        for view in load_views(DEFAULT_SETTINGS):
            if view.name not in OF_THE_PLANT:
                continue
            columns = [field.name for field in DeltaTable(schema / view.source).schema().fields]
            query = in_duckdb(view.query(view.source, columns))
            self._connection.execute(f'CREATE VIEW "{view.name}" AS {query}')

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        rows: list[tuple[Any, ...]] = self._connection.execute(sql).fetchall()
        return rows
