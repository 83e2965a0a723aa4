"""One evaluation of an alert: query, decide, save what is to be sent, send it, record the evaluation."""

from __future__ import annotations

import json
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from alerts.decide import ITSELF, Decision, Memory, Observation, decide
from alerts.history import History, Row
from alerts.ledger import Ledger, LedgerFile, Pending, Target
from alerts.message import compose, plain_message
from alerts.model import Alert, AlertSpec, State
from alerts.observe import observe
from alerts.settings import Settings, find_destinations
from pipeline.foundation.errors import LakehouseError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.foundation.clock import Clock
    from pipeline.notification.destination import Destination, Message
    from pipeline.warehouse.hive import Result, Warehouse


@dataclass(frozen=True)
class Evaluation:
    """What one evaluation found and did.

    Attributes:
        key: The alert's key.
        row: What was recorded in `alert_evaluations`.
        previous_state: The state before it.
        decision: What was decided: the state, the rows that changed, the reason, the error.
        result: What the query returned; None when it failed.
        message: The message that was due; None when none was.
        waiting: How many of the alert's notifications are pending, earlier ones included.
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
        """What went wrong; None unless that is why the state is ERROR."""
        return self.decision.error


def evaluate(
    alert: Alert,
    warehouse: Warehouse,
    settings: Settings,
    clock: Clock,
    *,
    at: datetime | None = None,
    destinations: Sequence[Destination] | None = None,
    retry_at_once: bool = True,
) -> Evaluation:
    """Evaluate an alert once, record the evaluation and deliver its notifications.

    A notification is on disk before it is sent, and leaves the disk only after its delivery has been recorded.
    After a kill at any moment the alert's next evaluation goes on from there: no notification is lost, and one that
    was sent just before the kill is sent once more under the same id.

    Args:
        alert: The alert.
        warehouse: Answers its queries.
        settings: The lakehouse, its schema, and the destinations.
        clock: The machine's clock; the age of the data is measured by it.
        at: Replaces the clock for `:now`, mutes and repetitions, but never makes the data older.
        destinations: Where notifications go. Defaults to those of the settings.
        retry_at_once: Whether pending notifications are sent before their retry is due.

    Raises:
        EnvironmentFaultError: The alert's state or the table of evaluations cannot be read or written.
    """
    if destinations is None:
        destinations = find_destinations(settings, alert.spec.destinations)
    with _Tick(alert, settings, clock, destinations).held() as tick:
        return tick.run(warehouse, at, retry_at_once=retry_at_once)


def deliver_pending(
    alert: Alert, settings: Settings, clock: Clock, destinations: Sequence[Destination], *, retry_at_once: bool = False
) -> datetime | None:
    """Send an alert's pending notifications without evaluating it, and return when the next retry is due.

    Raises:
        EnvironmentFaultError: The alert's state or the table of evaluations cannot be read or written.
    """
    with _Tick(alert, settings, clock, destinations).held() as tick:
        tick.deliver(retry_at_once=retry_at_once)
        return tick.ledger.next_retry()


def mute(alert: Alert, settings: Settings, until: datetime | None) -> None:
    """Send no notifications of an alert until a moment; None unmutes it. Evaluations go on and are recorded.

    Raises:
        EnvironmentFaultError: The alert's state cannot be read or written.
    """
    file = LedgerFile(settings.home, alert.key)
    with file.held():
        ledger = file.load() or _restored(alert, History(settings.home, settings.schema))
        ledger.memory = replace(ledger.memory, muted_until=until)
        file.save(ledger)


def _restored(alert: Alert, history: History) -> Ledger:
    for row in history.latest(alert.spec.name):
        states: dict[str, str] = json.loads(row.row_states)
        rows = tuple(sorted(owner for owner, state in states.items() if state == State.TRIGGERED))
        state = State(row.state)
        times = dict.fromkeys(rows or [ITSELF], row.as_of) if state is State.TRIGGERED else {}
        memory = Memory(state, state, rows, triggers_notified_at=times, triggered_since=times)
        return Ledger(memory=memory)
    return Ledger()


def _message(spec: AlertSpec, decision: Decision, result: Result | None, as_of: datetime) -> tuple[Message, Decision]:
    """Return the message about a decision, and the decision: a template that fails makes it an ERROR.

    The template may fail on a value that it was not checked with, and must not silence the alert: a plain message then
    says what was decided, and what is wrong with the template.
    """
    try:
        return compose(spec, decision, result, as_of), decision
    except LakehouseError as error:
        noted = replace(decision, reason=f"{decision.reason} ({error.problem})".strip())
        message = plain_message(spec, noted, result, as_of)
        memory = replace(decision.memory, state=State.ERROR)
        return message, replace(noted, state=State.ERROR, error=error, memory=memory)


class _Tick:
    """One alert's ledger, used under its lock."""

    def __init__(self, alert: Alert, settings: Settings, clock: Clock, destinations: Sequence[Destination]) -> None:
        self.alert = alert
        self.file = LedgerFile(settings.home, alert.key)
        self.history = History(settings.home, settings.schema)
        self.clock = clock
        self.destinations = destinations
        self.ledger = Ledger()

    @contextmanager
    def held(self) -> Iterator[Self]:
        """Lock the ledger inside the block, read it, and record what a killed process had not."""
        with self.file.held():
            self.ledger = self.file.load() or _restored(self.alert, self.history)
            self._record(after_a_kill=True)
            yield self

    def run(self, warehouse: Warehouse, at: datetime | None, *, retry_at_once: bool) -> Evaluation:
        """Evaluate, save, send, record."""
        began = self.clock.now()
        as_of = at or began
        previous = self.ledger.memory.state
        observation = observe(self.alert, warehouse, as_of, self.clock)
        decision = decide(self.alert.spec, observation, self.ledger.memory, as_of)
        message = None
        if decision.notify:
            message, decision = _message(self.alert.spec, decision, observation.result, as_of)
        row = self._row(began, as_of, observation, decision)
        if message is not None:
            row.notification_id = uuid.uuid4().hex[:12]
            targets = {one.key: Target(label=one.label, retry_at=began) for one in self.destinations}
            pending = Pending(id=row.notification_id, evaluation_id=row.evaluation_id, message=message, targets=targets)
            self.ledger.pending.append(pending)
        self.ledger.memory = decision.memory
        self.ledger.unrecorded.append(row)
        self._save()
        self.deliver(retry_at_once=retry_at_once)
        waiting = len(self.ledger.pending)
        return Evaluation(self.alert.key, row, previous, decision, observation.result, message, waiting)

    def deliver(self, *, retry_at_once: bool) -> None:
        """Send what is due and record the outcome."""
        self.ledger.deliver(self.destinations, self.clock, self._save, at_once=retry_at_once)
        self._record(after_a_kill=False)

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
            declaration=self.alert.declaration,
        )

    def _record(self, *, after_a_kill: bool) -> None:
        """Append evaluations to the table, and update the rows whose notifications have been delivered."""
        if not self.ledger.unrecorded and not any(pending.is_delivered for pending in self.ledger.pending):
            return
        fresh = {row.evaluation_id: row for row in self.ledger.unrecorded}
        for pending in self.ledger.pending:
            row = fresh.get(pending.evaluation_id)
            if row is not None:
                row.notified, row.destination = pending.is_delivered, pending.destination
                row.delivery_error = pending.error
            elif pending.is_delivered:
                self.history.mark_delivered(pending.evaluation_id, pending.destination)
        for row in fresh.values():
            # The killed process may have appended the row before it could save the ledger.
            if not (after_a_kill and self.history.holds(row.evaluation_id)):
                self.history.append(row)
        kept = [pending for pending in self.ledger.pending if not pending.is_delivered]
        self.ledger = self.ledger.model_copy(update={"pending": kept, "unrecorded": []})
        self._save()

    def _save(self) -> None:
        self.file.save(self.ledger)
