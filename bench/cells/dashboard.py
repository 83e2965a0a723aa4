"""The queries of the dashboard for the factory floor: the warehouse against DuckDB on the same tables."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bench.chart_queries import chart_queries
from bench.lake import warm
from bench.result import Result
from bench.rivals.one_database import OneDatabase
from bench.size import label
from bench.stopwatch import alternating, seconds
from pipeline.settings import load_settings
from pipeline.warehouse.embedded import EmbeddedWarehouse

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.size import Size

TARGET = 2.0
_DEVICES = 5_000
QUICK_SECONDS = 0.3
_NOTE = f"{QUICK_SECONDS} s meet the target whatever the ratio"


def of_the_floor(size: Size, scratch: Path) -> list[Result]:
    """Measure each chart's query, from sending it to the last row."""
    readings, settings = size.history[-1], load_settings()
    results = []
    with warm(scratch, size) as bench:
        home = bench.home("dashboard")
        bench.timed_update(home, bench.stock.of(readings, devices=_DEVICES))
        warehouse = EmbeddedWarehouse(bench.spark, home, settings)
        rival = OneDatabase(home.schema(settings.target_schema).data)
        for query in chart_queries():
            ask = partial(warehouse.query, query.sql)
            ask_rival = partial(rival.query, query.duckdb_sql)
            # The first run also pays for the plan and, in DuckDB, for the table's metadata.
            ask(), ask_rival()
            ours, theirs = alternating(size.runs(readings), _timed(ask), _timed(ask_rival))
            name = f"chart_{query.name}_{label(readings)}"
            results.append(
                Result.of(
                    name, ours, rival="DuckDB over silver", theirs=theirs, target=TARGET, quick_seconds=QUICK_SECONDS,
                    note=_NOTE,
                )
            )  # fmt: skip
    return results


def _timed(ask: Callable[[], object]) -> Callable[[int], float]:
    return lambda _: seconds(ask)
