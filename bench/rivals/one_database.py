"""DuckDB over silver and the quarantine: one process, no other clients, no gates, and no gold tables."""

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


# What the pipeline keeps in gold, computed from silver when it is asked for.
_GOLD = {
    "gold_hourly_device_summary": """
        SELECT device_id, location, time_bucket(INTERVAL 1 HOUR, event_timestamp) AS window_start,
          time_bucket(INTERVAL 1 HOUR, event_timestamp) + INTERVAL 1 HOUR AS window_end,
          avg(temperature_celsius) AS avg_temp, max(temperature_celsius) AS max_temp,
          avg(vibration_hz) AS avg_vibration, count(*) AS reading_count
        FROM silver_cleaned_sensors GROUP BY ALL""",
    "gold_device_status": """
        SELECT device_id, unnest(max(struct_pack(event_timestamp, ingestion_timestamp, temperature_celsius, vibration_hz,
          location, record_id)))
        FROM silver_cleaned_sensors GROUP BY device_id""",
}


class OneDatabase:
    """Answers SQL in DuckDB's dialect over the tables of a folder and the factory's views."""

    def __init__(self, schema: Path) -> None:
        self._connection = duckdb.connect()
        self._connection.execute("SET TimeZone = 'UTC'")
        # A function of Spark's that DuckDB lacks, as far as the views use it: the text after the last delimiter.
        self._connection.execute("CREATE MACRO substring_index(text, mark, number) AS string_split(text, mark)[number]")
        for folder in sorted(schema.iterdir()):
            if folder.name not in _GOLD and DeltaTable.is_deltatable(str(folder)):
                self._connection.register(
                    folder.name,
                    DeltaTable(folder).to_pyarrow_dataset(filesystem=SubTreeFileSystem(str(folder), LocalFileSystem())),
                )
        for name, query in _GOLD.items():
            self._connection.execute(f"CREATE VIEW {name} AS {query}")
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
