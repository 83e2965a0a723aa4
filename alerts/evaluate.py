"""One tick of an alert: ask, decide, note down what is to be sent, send it, record the evaluation."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from alerts.decide import Decision, Memory, Observation, decide
from alerts.history import History, Row
from alerts.ledger import Ledger, LedgerFile, Pending, Target
from alerts.message import Message, compose
from alerts.model import DEFAULT_BODY, DEFAULT_SUBJECT, Alert, AlertSpec, State
from alerts.observe import observe
from alerts.settings import find_destinations, read_settings
from pipeline.errors import AuthorError, LakehouseError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from alerts.deliver import Destination
    from alerts.warehouse import Result, Warehouse
    from pipeline.clock import Clock


@dataclass(frozen=True)
class Evaluation:
    """What one tick found and did.

    Attributes:
        key: The alert's key.
        row: What was recorded in `alert_evaluations`.
        previous_state: The state before it.
        decision: What it meant: devices newly hot, still hot, recovered, the reason, the error.
        result: What the query returned; None when it failed.
        message: What was to be sent; None when there was nothing to tell.
        waiting: How many notifications of the alert are still undelivered, earlier ones included.
    """

    key: str
    row: Row
    previous_state: State
    decision: Decision
    result: Result | None
    message: Message | None
    waiting: int

    @property
    def state(self) -> State:
        """The alert's state."""
        return self.decision.state

    @property
    def error(self) -> LakehouseError | None:
        """What went wrong, when the state is ERROR for that."""
        return self.decision.error


def evaluate(
    alert: Alert,
    warehouse: Warehouse,
    home: Path,
    clock: Clock,
    *,
    at: datetime | None = None,
    destinations: Sequence[Destination] | None = None,
    retry_at_once: bool = True,
) -> Evaluation:
    """Evaluate an alert once, record the evaluation and deliver what is to be told.

    A notification is on disk before it is sent, and leaves the disk only once it is delivered and
    recorded. After a kill at any moment the next tick of the same alert takes it up: nothing is lost, and
    a message that had gone out without the disk knowing goes out once more under the same id.

    Args:
        alert: The alert.
        warehouse: Answers its queries.
        home: The lakehouse's folder.
        clock: The machine's clock; data's age is judged by it.
        at: What `:now`, mutes and repetitions go by instead of the clock. Data is never older for it.
        destinations: Where notifications go. Defaults to what the environment says.
        retry_at_once: Whether undelivered notifications are tried before their retry is due.

    Raises:
        EnvironmentFaultError: The alert's state or the table of evaluations cannot be read or written.
    """
    if destinations is None:
        destinations = find_destinations(read_settings(home), alert.spec.destinations)
    tick = _Tick(alert, home, clock, destinations)
    with tick.file.held():
        tick.open()
        return tick.run(warehouse, at, retry_at_once=retry_at_once)


def deliver_waiting(
    alert: Alert,
    home: Path,
    clock: Clock,
    destinations: Sequence[Destination],
    *,
    retry_at_once: bool = False,
) -> datetime | None:
    """Send what is undelivered of an alert, without evaluating it, and return when the next retry is due.

    Raises:
        EnvironmentFaultError: The alert's state or the table of evaluations cannot be read or written.
    """
    tick = _Tick(alert, home, clock, destinations)
    with tick.file.held():
        tick.open()
        tick.deliver(retry_at_once=retry_at_once)
        return tick.ledger.next_retry()


def mute(alert: Alert, home: Path, until: datetime | None) -> None:
    """Tell nobody of an alert until a moment; None ends that at once. Evaluations go on and are recorded.

    Raises:
        EnvironmentFaultError: The alert's state cannot be read or written.
    """
    file = LedgerFile(home, alert.key)
    with file.held():
        ledger = file.load() or _restored(alert, History(home))
        ledger.memory = replace(ledger.memory, muted_until=until)
        file.save(ledger)


def _restored(alert: Alert, history: History) -> Ledger:
    for row in history.latest(alert.spec.name):
        states: dict[str, str] = json.loads(row.row_states)
        rows = tuple(sorted(owner for owner, state in states.items() if state == State.TRIGGERED))
        state = State(row.state)
        memory = Memory(state=state, told_state=state, told_rows=rows, told_at=row.as_of)
        return Ledger(memory=memory)
    return Ledger()


def _message(spec: AlertSpec, decision: Decision, result: Result | None, as_of: datetime) -> Message:
    try:
        return compose(spec, decision, result, as_of)
    except AuthorError as error:
        # A template that fails on a value it was not tried with must not silence the alert.
        plain = spec.model_copy(update={"subject": DEFAULT_SUBJECT, "body": DEFAULT_BODY})
        noted = replace(decision, reason=f"{decision.reason} ({error.problem})".strip())
        return compose(plain, noted, result, as_of)


class _Tick:
    """One alert's ledger, open under its lock."""

    def __init__(self, alert: Alert, home: Path, clock: Clock, destinations: Sequence[Destination]) -> None:
        self.alert = alert
        self.file = LedgerFile(home, alert.key)
        self.history = History(home)
        self.clock = clock
        self.destinations = destinations
        self.ledger = Ledger()

    def open(self) -> None:
        """Read the ledger and finish what a kill left unfinished."""
        self.ledger = self.file.load() or _restored(self.alert, self.history)
        self._record(may_be_there=True)

    def run(self, warehouse: Warehouse, at: datetime | None, *, retry_at_once: bool) -> Evaluation:
        """Evaluate, note down, send, record."""
        began = self.clock.now()
        as_of = at or began
        previous = self.ledger.memory.state
        observation = observe(self.alert, warehouse, as_of, self.clock)
        decision = decide(self.alert.spec, observation, self.ledger.memory, as_of)
        row = self._row(began, as_of, observation, decision)
        message = None
        if decision.notify:
            message = _message(self.alert.spec, decision, observation.result, as_of)
            row.notification_id = uuid.uuid4().hex[:12]
            aims = {one.key: Target(label=one.label, retry_at=began) for one in self.destinations}
            pending = Pending(id=row.notification_id, evaluation_id=row.evaluation_id, message=message, targets=aims)
            self.ledger.pending.append(pending)
        self.ledger.memory = decision.memory
        self.ledger.unrecorded.append(row)
        self._save()
        self.deliver(retry_at_once=retry_at_once)
        waiting = len(self.ledger.pending)
        return Evaluation(self.alert.key, row, previous, decision, observation.result, message, waiting)

    def deliver(self, *, retry_at_once: bool) -> None:
        """Send what is due and record how it went."""
        self.ledger.deliver(self.destinations, self.clock, self._save, at_once=retry_at_once)
        self._record(may_be_there=False)

    def _row(self, began: datetime, as_of: datetime, observation: Observation, decision: Decision) -> Row:
        return Row(
            alert=self.alert.spec.name,
            evaluated_at=began,
            state=decision.state,
            value=None if decision.value is None else str(decision.value),
            rows=None if observation.result is None else len(observation.result.rows),
            evaluation_id=uuid.uuid4().hex,
            as_of=as_of,
            severity=self.alert.spec.severity,
            reason=decision.reason,
            row_states=json.dumps(decision.row_states or dict.fromkeys(decision.still, State.TRIGGERED)),
            duration_ms=(self.clock.now() - began) // timedelta(milliseconds=1),
        )

    def _record(self, *, may_be_there: bool) -> None:
        """Put evaluations into the table, and into its rows how their notifications fared."""
        if not self.ledger.unrecorded and not any(pending.is_delivered for pending in self.ledger.pending):
            return
        fresh = {row.evaluation_id: row for row in self.ledger.unrecorded}
        for pending in self.ledger.pending:
            row = fresh.get(pending.evaluation_id)
            if row is not None:
                _fare(pending, row)
            elif pending.is_delivered:
                self.history.mark_delivered(pending.evaluation_id, pending.destination)
        for row in fresh.values():
            if not (may_be_there and self.history.holds(row.evaluation_id)):
                self.history.append(row)
        kept = [pending for pending in self.ledger.pending if not pending.is_delivered]
        self.ledger = self.ledger.model_copy(update={"pending": kept, "unrecorded": []})
        self._save()

    def _save(self) -> None:
        self.file.save(self.ledger)


def _fare(pending: Pending, row: Row) -> None:
    row.notified = pending.is_delivered
    row.destination = pending.destination
    row.delivery_error = pending.error
