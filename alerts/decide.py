"""The decision: an evaluation's state, and whether to notify. A pure function: it reads neither clock nor disk."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from alerts.condition import Measure, measure, worst
from alerts.model import EVERY_EVALUATION, AlertSpec, State
from alerts.schedule import in_words
from pipeline.foundation.errors import DataError, LakehouseError

if TYPE_CHECKING:
    from pipeline.warehouse.hive import Result

# The name of the alert itself among its rows.
ITSELF = ""


class StaleDataError(DataError):
    """The data is too old for its state to be known."""


@dataclass(frozen=True)
class Freshness:
    """How new the data is.

    Attributes:
        newest: The newest moment of the data; None when there is no data.
        judged_at: The moment at which its age is measured.
    """

    newest: datetime | None
    judged_at: datetime


@dataclass(frozen=True)
class Observation:
    """What the warehouse answered: a result or an error."""

    result: Result | None = None
    freshness: Freshness | None = None
    error: LakehouseError | None = None


@dataclass(frozen=True)
class Memory:
    """What one evaluation hands on to the next.

    Attributes:
        state: The last evaluation's state.
        notified_state: The state in the last notification.
        notified_rows: The triggered rows in the last notification, by their `per_row` names, sorted.
        triggers_notified_at: When a notification last said that a row is triggered, by the row's name. The alert itself
            has the name "".
        triggered_since: Since when each row has met the condition without a break.
        muted_until: The end of a mute by command.
    """

    state: State = State.UNKNOWN
    notified_state: State = State.UNKNOWN
    notified_rows: tuple[str, ...] = ()
    triggers_notified_at: dict[str, datetime] = field(default_factory=dict)
    triggered_since: dict[str, datetime] = field(default_factory=dict)
    muted_until: datetime | None = None


@dataclass(frozen=True)
class Decision:
    """What an evaluation found, and whether to notify.

    Rows are named by their values in the column `per_row`.

    Attributes:
        state: The alert's state.
        value: The value that the condition compared.
        row_states: The state of each row in the result, and of each row that has recovered.
        newly: Triggered rows that were not in the last notification.
        still: Triggered rows that were in the last notification.
        recovered: Rows in the last notification that are no longer triggered.
        notify: Whether to send a message.
        reason: What readers need to know besides the condition.
        error: What went wrong; None unless that is why the state is ERROR.
        memory: What to hand to the next decision, once the message, if any, is safe on disk.
    """

    state: State
    value: Any = None
    row_states: dict[str, State] = field(default_factory=dict)
    newly: tuple[str, ...] = ()
    still: tuple[str, ...] = ()
    recovered: tuple[str, ...] = ()
    notify: bool = False
    reason: str = ""
    error: LakehouseError | None = None
    memory: Memory = field(default_factory=Memory)


def decide(spec: AlertSpec, observation: Observation, memory: Memory, now: datetime) -> Decision:
    """Return the decision for an observation, given what readers were notified of before.

    A notification is due when the state or the set of triggered rows differs from the last notification; for
    a recovery only with `notify_on_ok`. An unchanged TRIGGERED is repeated as `retrigger` says, an unchanged
    ERROR never. If `retrigger` is a duration, no row is notified again within it, whatever its state was meanwhile. A
    change while the alert is muted is notified after the mute, if it persists.

    Args:
        spec: The alert's declaration.
        observation: What the warehouse answered.
        memory: The last decision's memory.
        now: The moment of the evaluation.
    """
    found = _found(spec, observation, memory, now)
    memory = found.memory
    if found.state is State.ERROR:
        # The rows' states are unknown: they keep the last ones.
        found = replace(found, still=memory.notified_rows)
        due = memory.notified_state is not State.ERROR
    else:
        found = _with_changes(found, memory)
        due = _is_due(spec, found, memory, now)
    mutes = [mute for mute in (spec.mute_until, memory.muted_until) if mute is not None]
    notify = due and not any(now < mute for mute in mutes)
    return replace(found, notify=notify, memory=_remembered(spec, found, memory, now, due=due, notify=notify))


def _found(spec: AlertSpec, observation: Observation, memory: Memory, now: datetime) -> Decision:
    """Return what an observation shows, with a memory that knows since when each row has met the condition."""
    if observation.error is not None:
        return _failed(observation.error, memory)
    if observation.result is None:
        msg = "an observation has a result or an error"
        raise ValueError(msg)
    try:
        measured = measure(spec, observation.result)
    except LakehouseError as error:
        return _failed(error, memory)
    memory = replace(memory, triggered_since=_triggered_since(measured, memory, now))
    measured = _without_pending(spec, measured, memory, now)
    stale = _staleness(spec, observation.freshness)
    found = Decision(measured.state, measured.value, measured.rows, reason=measured.reason, memory=memory)
    if not stale:
        return found
    if measured.state is State.TRIGGERED:
        return replace(found, reason=f"{measured.reason} {stale}".strip())
    if spec.stale_data_state is State.TRIGGERED:
        return replace(found, state=State.TRIGGERED, reason=stale)
    remedy = "Check that the source sends data and that the pipeline runs."
    return replace(_failed(StaleDataError(stale, remedy), memory), value=measured.value)


def _failed(error: LakehouseError, memory: Memory) -> Decision:
    return Decision(State.ERROR, reason=str(error), error=error, memory=memory)


def _triggered_since(measured: Measure, memory: Memory, now: datetime) -> dict[str, datetime]:
    """Return since when each row has met the condition; a row in error keeps what was known of it."""
    known = memory.triggered_since
    states = measured.rows or {ITSELF: measured.state}
    return {
        # An earlier --at may have put the beginning in the future.
        row: min(known.get(row, now), now)
        for row, state in states.items()
        if state is State.TRIGGERED or (state is State.ERROR and row in known)
    }


def _without_pending(spec: AlertSpec, measured: Measure, memory: Memory, now: datetime) -> Measure:
    """Return what was measured, with rows that have not met the condition for `pending_for` as OK."""
    states = measured.rows or {ITSELF: measured.state}
    pending = [
        row
        for row, state in states.items()
        if state is State.TRIGGERED and spec.pending_for and now - memory.triggered_since[row] < spec.pending_for
    ]
    if not pending or spec.pending_for is None:
        return measured
    states = states | dict.fromkeys(pending, State.OK)
    names = ", ".join(sorted(filter(None, pending)))
    pending_reason = f"Met for less than {in_words(spec.pending_for)}{': ' if names else ''}{names}."
    return replace(
        measured,
        state=worst(states.values()),
        rows=states if measured.rows else {},
        reason=f"{measured.reason} {pending_reason}".strip(),
    )


def _staleness(spec: AlertSpec, freshness: Freshness | None) -> str:
    if spec.stale_after is None or freshness is None:
        return ""
    limit = in_words(spec.stale_after)
    if freshness.newest is None:
        return f"There is no data at all; it may be at most {limit} old."
    age = freshness.judged_at - freshness.newest
    return f"The newest data is {in_words(age)} old; it may be at most {limit} old." if age > spec.stale_after else ""


def _with_changes(found: Decision, memory: Memory) -> Decision:
    triggered = {owner for owner, state in found.row_states.items() if state is State.TRIGGERED}
    known = set(memory.notified_rows)
    recovered = tuple(sorted(known - triggered))
    return replace(
        found,
        newly=tuple(sorted(triggered - known)),
        still=tuple(sorted(triggered & known)),
        recovered=recovered,
        row_states=found.row_states | {owner: found.row_states.get(owner, State.OK) for owner in recovered},
    )


def _is_due(spec: AlertSpec, found: Decision, memory: Memory, now: datetime) -> bool:
    if found.state is State.OK:
        return spec.notify_on_ok and memory.notified_state in {State.TRIGGERED, State.ERROR}
    if found.recovered and spec.notify_on_ok:
        return True
    if isinstance(spec.retrigger, timedelta):
        return any(not _is_quiet(row, memory, now, spec.retrigger) for row in _triggered(found))
    return spec.retrigger == EVERY_EVALUATION or found.state is not memory.notified_state or bool(found.newly)


def _triggered(found: Decision) -> tuple[str, ...]:
    return (*found.newly, *found.still) or (ITSELF,)


def _is_quiet(row: str, memory: Memory, now: datetime, retrigger: timedelta) -> bool:
    notified_at = memory.triggers_notified_at.get(row)
    # An earlier --at may have put the last notification in the future; that must not silence the alert until then.
    return notified_at is not None and notified_at <= now < notified_at + retrigger


def _remembered(spec: AlertSpec, found: Decision, memory: Memory, now: datetime, *, due: bool, notify: bool) -> Memory:
    seen = replace(memory, state=found.state)
    if notify:
        seen = replace(seen, notified_state=found.state)
    if found.state is State.ERROR:
        return seen
    if notify:
        notified_at = memory.triggers_notified_at
        if found.state is State.TRIGGERED:
            longest = spec.retrigger if isinstance(spec.retrigger, timedelta) else timedelta(0)
            kept = {row: at for row, at in notified_at.items() if _is_quiet(row, memory, now, longest)}
            notified_at = kept | dict.fromkeys(_triggered(found), now)
        rows = tuple(sorted({*found.newly, *found.still}))
        return replace(seen, notified_rows=rows, triggers_notified_at=notified_at)
    if not due and found.state is State.OK:
        return replace(seen, notified_state=State.OK, notified_rows=())
    # Forget recoveries that are not notified, so that the same row can trigger again.
    return seen if spec.notify_on_ok else replace(seen, notified_rows=found.still)
