"""What the event log knows of a pipeline's updates, for commands and the page."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime  # noqa: TC003 - pydantic reads it at run time
from typing import TYPE_CHECKING, Any

from pipeline.delta.commits import Watch
from pipeline.events.stored_log import EventFilter, StoredLog, of_update, stored_event
from pipeline.events.summary import Summary
from pipeline.foundation.errors import AuthorError
from pipeline.home.lock import Holder, holder

if TYPE_CHECKING:
    from pipeline.events.event import Event
    from pipeline.home.places import Home


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
    """What an expectation showed in one update."""

    update_id: str
    at: datetime
    passed: int
    failed: int


@dataclass
class _Known:
    """What was read of one update."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    summary: Summary | None = None
    killed: Summary | None = None


class Record:
    """Answers questions about updates from the event log, without Spark.

    It keeps what it has read, so that asking again reads only what was written since. It may be shared between
    threads. Callers must not change the summaries.
    """

    def __init__(self, home: Home, schema: str) -> None:
        self._home = home
        path = home.schema(schema).event_log
        self._log, self._watch = StoredLog(path), Watch(path)
        self._seen: tuple[int, int] | None = None
        self._updates: dict[str, _Known] = {}
        # All events from the one to the other have been read.
        self._first: int | None = None
        self._last = -1
        self._guard = threading.RLock()

    def updates(self, limit: int | None = None) -> list[Summary]:
        """Return the newest updates, newest first; all of them without a limit."""
        with self._guard:
            before = holder(self._home)
            self._read_since()
            self._read_back(limit)
            running = _updates_of(before, holder(self._home))
            return [_summary(known, running) for known in self._begun()[:limit]]

    def update(self, update_id: str | None = None) -> Summary | None:
        """Return one update, named by its id or how that begins; the newest without an id.

        Returns:
            None if there is no update at all.

        Raises:
            UnknownUpdateError: No update, or more than one, has such an id.
        """
        if update_id is None:
            return next(iter(self.updates(1)), None)
        before = holder(self._home)
        found: dict[str, _Known] = {}
        for row in self._log.rows(of_update(update_id)):
            found.setdefault(row["origin"]["update_id"], _Known()).rows.append(row)
        if len(found) != 1:
            raise UnknownUpdateError(update_id, list(found))
        (known,) = found.values()
        return _summary(known, _updates_of(before, holder(self._home)))

    def totals(self) -> Counter[str]:
        """Return how many rows all updates have written to each table and not deleted.

        It reads the whole log the first time.
        """
        totals: Counter[str] = Counter()
        for summary in self.updates():
            for table in summary.tables.values():
                totals[table.name] += table.rows_written - table.rows_deleted
        return totals

    def expectations(self, table: str, limit: int | None = None) -> dict[str, list[RuleOutcome]]:
        """Return, by expectation, what those of a table showed in past updates, newest first.

        Updates that judged no row of the table are left out.

        Args:
            table: The table's name.
            limit: How many updates are looked at, the newest of them.
        """
        found: dict[str, list[RuleOutcome]] = {}
        for summary in self.updates(limit):
            progress = summary.tables.get(table)
            if progress is None or summary.created_at is None:
                continue
            for rule, passed in progress.passed.items():
                outcome = RuleOutcome(summary.update_id, summary.created_at, passed, progress.failed.get(rule, 0))
                found.setdefault(rule, []).append(outcome)
        return found

    def events(self, wanted: EventFilter) -> list[Event]:
        """Return the events that a filter lets pass, oldest first."""
        return [stored_event(row) for row in self._log.rows(wanted.where(), wanted.limit)]

    def _read_since(self) -> None:
        """Read the events that were written since the last look."""
        seen = self._watch.look()
        if seen is None or (self._seen is not None and seen[0] != self._seen[0]):
            # The lakehouse was deleted, and perhaps begun anew.
            self._updates.clear()
            self._first, self._last = None, -1
        elif self._first is not None and seen != self._seen:
            self._take(self._log.rows(f"sequence > {self._last}"))
        self._seen = seen

    def _read_back(self, limit: int | None) -> None:
        """Read events back to where the newest updates begin; all of them without a limit."""
        if self._first == 0 or (limit is not None and len(self._begun()) >= limit):
            return
        begun = [] if limit is None else self._log.rows("event_type = 'create_update'", limit)
        first: int = begun[0]["sequence"] if limit is not None and len(begun) == limit else 0
        known = "" if self._first is None else f" AND sequence < {self._first}"
        self._take(self._log.rows(f"sequence >= {first}{known}"))
        self._first = first

    def _take(self, rows: list[dict[str, Any]]) -> None:
        touched = {}
        for row in rows:
            self._last = max(self._last, row["sequence"])
            update_id = row["origin"]["update_id"]
            if update_id is not None:
                touched[update_id] = known = self._updates.setdefault(update_id, _Known())
                known.rows.append(row)
        for known in touched.values():
            known.rows.sort(key=lambda row: row["sequence"])
            known.summary = known.killed = None

    def _begun(self) -> list[_Known]:
        """Return the updates that were read back to their first event, newest first."""
        begun = [known for known in self._updates.values() if known.rows[0]["event_type"] == "create_update"]
        return sorted(begun, key=lambda known: known.rows[0]["sequence"], reverse=True)


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
        known.killed.end("KILLED", known.killed.last_event_at)
    return known.killed


def _replayed(known: _Known) -> Summary:
    summary = Summary()
    for row in known.rows:
        summary.take(stored_event(row))
    return summary
