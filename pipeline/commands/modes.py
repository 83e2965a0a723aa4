"""How `run` runs: once, on and on, or whenever files come."""

from __future__ import annotations

import json
import signal
from functools import cached_property
from typing import TYPE_CHECKING

import typer

from pipeline.arrival import FolderWatch, landing_folders, run_on_arrival
from pipeline.clock import SystemClock
from pipeline.ingest.inventory import inventories
from pipeline.live import watching
from pipeline.maintenance import advice
from pipeline.quality.table_judge import TableJudge
from pipeline.session import build_session
from pipeline.stop import stop_by_signal
from pipeline.update import Update

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import SparkSession

    from pipeline.home import Home
    from pipeline.result import UpdateResult
    from pipeline.selection import Selection
    from pipeline.settings import Settings, SparkSettings
    from pipeline.summary import Summary

_CANCELED = 130
# About 700,000 readings, uncompressed.
_MANY_BYTES = 100 * 1000**2


class Modes:
    """Runs a pipeline's updates for somebody who watches."""

    def __init__(self, home: Home, settings: Settings, *, as_json: bool) -> None:
        self._home = home
        self._settings = settings
        self._as_json = as_json
        self._once: Selection | None = None
        self._judge = TableJudge(home, settings.expectations, self._session)

    def once(self, selection: Selection) -> None:
        """Run one triggered update."""
        # A process manager's signal ends an update as Ctrl-C does.
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
        self._once = selection
        try:
            result = self._shown(self._update("USER_ACTION"), lambda update: update.run(selection))
        finally:
            signal.signal(signal.SIGTERM, before)
            self._judge.close()
        if result.state != "COMPLETED":
            raise typer.Exit(_CANCELED if result.state == "CANCELED" else 1)
        if (hint := advice(self._home, self._settings)) and not self._as_json:
            typer.echo(hint)

    def continuously(self) -> None:
        """Keep all tables up to date until a signal asks for the end."""
        with stop_by_signal() as stop:
            result = self._shown(self._update("USER_ACTION"), lambda update: update.run_continuously(stop))
        if result.errors:
            raise typer.Exit(1)

    def on_file_arrival(self) -> None:
        """Run an update whenever files have come, until a signal asks for the end; one session serves them all."""
        watch = FolderWatch(landing_folders(self._home, self._settings))

        def update(cause: str) -> None:
            self._say(f"An update runs because of {cause}.")
            self._shown(self._update("JOB_TASK"), lambda update: update.run())

        try:
            with stop_by_signal() as stop:
                run_on_arrival(watch, self._settings.file_arrival, stop, update, self._say)
        finally:
            watch.close()
            self._judge.close()

    def _say(self, text: str) -> None:
        if not self._as_json:
            typer.echo(text)

    def _update(self, cause: str) -> Update:
        home, settings = self._home, self._settings
        return Update(home, settings, SystemClock(), self._session, cause=cause, judge=self._judge)

    def _session(self) -> SparkSession:
        return build_session(self._home, self._spark_settings)

    @cached_property
    def _spark_settings(self) -> SparkSettings:
        return fitting(self._settings, self._home, self._once)

    def _shown(self, update: Update, work: Callable[[Update], UpdateResult]) -> UpdateResult:
        with watching(update.log, quiet=self._as_json) as summary:
            result = work(update)
        if self._as_json:
            typer.echo(json.dumps(_facts(result, summary), indent=2))
        for table, error in result.errors.items():
            typer.echo(f"{table}: {error}", err=True)
        return result


def fitting(settings: Settings, home: Home, selection: Selection | None) -> SparkSettings:
    """Return what a session is given: `auto` settled by how much one triggered update has to read.

    Without a selection the session serves for long, which pays for thorough compiling.
    """
    spark = settings.spark
    if spark.compiler != "auto":
        return spark
    if selection is None:
        return spark.model_copy(update={"compiler": "thorough"})
    anew = bool(selection.full_refresh) or selection.full_refresh_all
    files = [record for records in inventories(home, settings).values() for record in records]
    size = sum(record.size_bytes for record in files if anew or record.state == "waiting")
    return spark.model_copy(update={"compiler": "thorough" if size > _MANY_BYTES else "quick"})


def _facts(result: UpdateResult, summary: Summary) -> dict[str, object]:
    return {
        "update_id": result.update_id,
        "state": result.state,
        "tables": {name: {**summary.facts(name), "status": status} for name, status in result.statuses.items()},
        "errors": {name: str(error) for name, error in result.errors.items()},
    }
