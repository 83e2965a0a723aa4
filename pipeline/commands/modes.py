"""The modes of `run`: once, continuously, or whenever files arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from pipeline.commands.ending import exit_unless_completed, print_errors, run_until_signal
from pipeline.commands.output import print_json
from pipeline.drawing.live import watching
from pipeline.events.table_progress import TableProgress
from pipeline.foundation.clock import SystemClock
from pipeline.foundation.shown import say
from pipeline.foundation.stop import stop_by_signal
from pipeline.quality.tables.table_judge import TableJudge
from pipeline.rework.maintenance import advice
from pipeline.update.arrival import landing_watch, run_on_arrival
from pipeline.update.update import Update

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from pyspark.sql import SparkSession

    from pipeline.commands.target import Target
    from pipeline.events.summary import Summary
    from pipeline.selection import Selection
    from pipeline.update.result import UpdateResult


class Modes:
    """Runs a pipeline's updates over one Spark session, and shows them."""

    def __init__(self, target: Target, *, as_json: bool) -> None:
        self._target = target
        self._home = target.home
        self._settings = target.settings
        self._as_json = as_json
        self._is_lasting = False
        self._judge = TableJudge(target.home, target.settings.expectations, self._session)

    def once(self, selection: Selection) -> None:
        """Run one triggered update."""
        update = self._update("USER_ACTION")
        try:
            with self._watching(update) as summary:
                result = run_until_signal(update, selection)
        finally:
            self._judge.close()
        self._print(result, summary)
        exit_unless_completed(result)
        if (hint := advice(self._home, self._settings)) and not self._as_json:
            say(hint)

    def continuously(self) -> None:
        """Keep all tables up to date until a signal asks to stop."""
        self._is_lasting = True
        update = self._update("USER_ACTION")
        with stop_by_signal() as stop, self._watching(update) as summary:
            result = update.run_continuously(stop)
        self._print(result, summary)
        if result.errors:
            raise typer.Exit(1)

    def on_file_arrival(self) -> None:
        """Run an update whenever files have arrived, until a signal asks to stop."""
        self._is_lasting = True
        watch = landing_watch(self._home, self._settings)

        def run_one(cause: str) -> None:
            self._say(f"Starting an update because of {cause}.")
            update = self._update("JOB_TASK")
            with self._watching(update) as summary:
                result = update.run()
            self._print(result, summary)

        try:
            with stop_by_signal() as stop:
                run_on_arrival(watch, self._settings.file_arrival, stop, run_one, self._say)
        finally:
            watch.close()
            self._judge.close()

    def _say(self, text: str) -> None:
        if not self._as_json:
            say(text)

    def _update(self, cause: str) -> Update:
        home, settings = self._home, self._settings
        return Update(home, settings, SystemClock(), self._session, cause=cause, judge=self._judge)

    def _session(self) -> SparkSession:
        return self._target.session(is_lasting=self._is_lasting)

    def _watching(self, update: Update) -> AbstractContextManager[Summary]:
        return watching(update.log, quiet=self._as_json)

    def _print(self, result: UpdateResult, summary: Summary) -> None:
        if self._as_json:
            print_json(_facts(result, summary))
        print_errors(result)


def _facts(result: UpdateResult, summary: Summary) -> dict[str, object]:
    return {
        "update_id": result.update_id,
        "state": result.state,
        "tables": {
            name: {**summary.tables.get(name, TableProgress(name)).figures(), "status": status}
            for name, status in result.statuses.items()
        },
        "errors": {name: str(error) for name, error in result.errors.items()},
    }
