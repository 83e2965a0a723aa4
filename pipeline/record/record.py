"""What the event log knows of a pipeline's updates, for commands and the page."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.errors import AuthorError
from pipeline.lock import holder
from pipeline.record.stored_event import stored_event
from pipeline.record.stored_log import StoredLog
from pipeline.summary import Summary

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.event_log import Event
    from pipeline.home import Home
    from pipeline.lock import Holder
    from pipeline.record.event_filter import EventFilter
    from pipeline.record.stored_log import LogFile

# Files are opened so many at a time, newest first, until a question is answered.
_FILES_AT_ONCE = 64


class UnknownUpdateError(AuthorError):
    """No update, or more than one, has the id that was asked for."""

    def __init__(self, update_id: str, found: list[str]) -> None:
        self.update_id, self.found = update_id, found
        what = f"{len(found)} updates have" if found else "No update has"
        super().__init__(
            f"{what} an id that begins with `{update_id}`.", "`python -m pipeline history` lists the updates."
        )


@dataclass(frozen=True)
class RuleOutcome:
    """What one expectation showed in one update."""

    update_id: str
    at: datetime
    table: str
    name: str
    action: str
    passed: int
    failed: int


@dataclass
class TableTotals:
    """One table's figures over all updates on record."""

    rows_written: int = 0
    rows_deleted: int = 0
    rows_dropped: int = 0
    rows_warned: int = 0


@dataclass
class _Known:
    """What was read of one update."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    summary: Summary | None = None
    killed: Summary | None = None


class Record:
    """Answers questions about updates from the event log, without Spark.

    What was read is kept, so that asking again reads only what was written since. Safe to share between
    threads. Summaries that are handed out are not to be changed.
    """

    def __init__(self, home: Home, schema: str) -> None:
        self._home = home
        self._log = StoredLog(home.schema(schema) / "event_log")
        self._updates: dict[str, _Known] = {}
        self._read: set[str] = set()
        self._guard = threading.RLock()

    def updates(self, limit: int | None = None) -> list[Summary]:
        """Return the newest updates, newest first; all of them without a limit."""
        with self._guard:
            before = holder(self._home)
            waiting = self._unread()
            while waiting and waiting[0].newest > self._first_sequence(limit):
                self._take(waiting[:_FILES_AT_ONCE] if limit is not None else waiting)
                waiting = self._unread()
            running = _updates_of(before, holder(self._home))
            return [_summary(known, running) for known in self._begun()[:limit]]

    def update(self, update_id: str | None = None) -> Summary | None:
        """Return one update, named by its id or how that begins; the newest without an id.

        None where there is no update at all.

        Raises:
            UnknownUpdateError: No update, or more than one, has such an id.
        """
        if update_id is None:
            return next(iter(self.updates(1)), None)
        with self._guard:
            before = holder(self._home)
            # An update's rows may stand in several files: all that may hold one are read.
            self._take([file for file in self._unread() if file.may_hold("origin.update_id", update_id)])
            found = [key for key in self._updates if key.startswith(update_id)]
            if len(found) != 1:
                raise UnknownUpdateError(update_id, found)
            return _summary(self._updates[found[0]], _updates_of(before, holder(self._home)))

    def totals(self) -> dict[str, TableTotals]:
        """Return each table's figures over all updates; reads the whole log the first time."""
        totals: dict[str, TableTotals] = {}
        for summary in self.updates():
            for table in summary.tables.values():
                total = totals.setdefault(table.name, TableTotals())
                total.rows_written += table.rows_written
                total.rows_deleted += table.rows_deleted
                total.rows_dropped += table.rows_dropped
                total.rows_warned += table.rows_warned
        return totals

    def expectations(self, table: str, limit: int | None = None) -> list[RuleOutcome]:
        """Return what a table's expectations showed in past updates, newest first.

        Updates that judged no row of the table are left out.

        Args:
            table: The table's name.
            limit: How many updates are looked at, the newest of them.
        """
        outcomes = []
        for summary in self.updates(limit):
            progress = summary.tables.get(table)
            if progress is None or summary.created_at is None:
                continue
            outcomes += [
                RuleOutcome(
                    summary.update_id,
                    summary.created_at,
                    table,
                    rule,
                    progress.actions.get(rule, ""),
                    passed,
                    progress.failed.get(rule, 0),
                )
                for rule, passed in progress.passed.items()
            ]
        return outcomes

    def events(self, wanted: EventFilter) -> list[Event]:
        """Return the events that a filter lets pass, oldest first."""
        with self._guard:
            waiting = [file for file in self._log.files() if wanted.admits(file)]
        found: list[dict[str, Any]] = []
        at_once = len(waiting) if wanted.limit is None else _FILES_AT_ONCE
        while waiting and (wanted.limit is None or len(found) < wanted.limit):
            found += self._log.rows(waiting[:at_once], wanted.keep)
            waiting = waiting[at_once:]
        found.sort(key=lambda row: row["sequence"])
        return [stored_event(row) for row in (found if wanted.limit is None else found[-wanted.limit :])]

    def _unread(self) -> list[LogFile]:
        files = self._log.files()
        if not self._read <= {file.path for file in files}:
            # The log was compacted, or the lakehouse was deleted: what was read stands elsewhere or nowhere.
            self._updates.clear()
            self._read.clear()
        return [file for file in files if file.path not in self._read]

    def _take(self, files: list[LogFile]) -> None:
        touched = {}
        for row in self._log.rows(files):
            update_id = row["origin"]["update_id"]
            if update_id is not None:
                touched[update_id] = known = self._updates.setdefault(update_id, _Known())
                known.rows.append(row)
        for known in touched.values():
            known.rows.sort(key=lambda row: row["sequence"])
            known.summary = known.killed = None
        self._read.update(file.path for file in files)

    def _begun(self) -> list[_Known]:
        """Return the updates that were read back to their first event, newest first."""
        begun = [known for known in self._updates.values() if known.rows[0]["event_type"] == "create_update"]
        return sorted(begun, key=lambda known: known.rows[0]["sequence"], reverse=True)

    def _first_sequence(self, limit: int | None) -> int:
        """Return where the newest updates begin, so many of them; files that end before it hold nothing of them."""
        begun = self._begun()
        if limit is None or len(begun) < limit:
            return -1
        sequence: int = begun[limit - 1].rows[0]["sequence"]
        return sequence


def _updates_of(*holders: Holder | None) -> set[str]:
    """Return the updates that held the lock before or after the log was read.

    One that began or ended in between is in neither the one nor the other alone.
    """
    return {found.update_id for found in holders if found is not None and found.update_id}


def _summary(known: _Known, running: set[str]) -> Summary:
    if known.summary is None:
        # A new one each time: those that were handed out are being read.
        known.summary = _replayed(known)
    if known.summary.has_ended or known.summary.update_id in running:
        return known.summary
    # Kept beside the other: who holds the lock is asked anew each time.
    if known.killed is None:
        known.killed = _replayed(known)
        known.killed.end("KILLED", known.killed.told_at)
    return known.killed


def _replayed(known: _Known) -> Summary:
    summary = Summary()
    for row in known.rows:
        summary.take(stored_event(row))
    return summary
