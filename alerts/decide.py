"""The decision: what an evaluation means and whether it is told. It asks neither clock nor disk."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from alerts.condition import measure
from alerts.model import EVERY_EVALUATION, ONCE, AlertSpec, State
from pipeline.errors import DataError, LakehouseError

if TYPE_CHECKING:
    from alerts.warehouse import Result


class StaleDataError(DataError):
    """The data is too old for an answer to mean anything."""


@dataclass(frozen=True)
class Freshness:
    """How new the data is.

    Attributes:
        newest: The newest moment of the data; None when there is none.
        judged_at: The moment that its age is counted to.
    """

    newest: datetime | None
    judged_at: datetime


@dataclass(frozen=True)
class Observation:
    """What the warehouse answered: a result, or the error that stands in its place."""

    result: Result | None = None
    freshness: Freshness | None = None
    error: LakehouseError | None = None


@dataclass(frozen=True)
class Memory:
    """What earlier evaluations left behind.

    Attributes:
        state: The last evaluation's state.
        told_state: The state that readers know of.
        told_rows: The owners of triggered rows that readers know of, sorted.
        told_at: When they were last told.
        muted_until: Until when nobody is told, by hand.
    """

    state: State = State.UNKNOWN
    told_state: State = State.UNKNOWN
    told_rows: tuple[str, ...] = ()
    told_at: datetime | None = None
    muted_until: datetime | None = None


@dataclass(frozen=True)
class Decision:
    """What an evaluation means.

    Attributes:
        state: The alert's state.
        value: What the condition compared.
        row_states: The state of each row's owner that the result or the memory names.
        newly: Owners whose row is triggered and whom readers do not know of.
        still: Owners whose row is triggered and whom they know of.
        recovered: Owners they know of whose row is triggered no more.
        notify: Whether one message is to be sent.
        reason: What the reader has to know besides the condition.
        error: What went wrong, when the state is ERROR for that.
        memory: What to hand to the next decision, provided that a message due is taken in hand.
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
    """Return what an observation means, given what readers were told before.

    A message is due when the state, or the set of triggered rows, differs from what readers know; a recovery
    only with `notify_on_ok`. An unchanged TRIGGERED is repeated as `retrigger` says, an unchanged ERROR
    never.
    What changes while the alert is muted is told after it, if it is still so.

    Args:
        spec: What the alert says.
        observation: What the warehouse answered.
        memory: What the last decision handed on.
        now: The moment of the evaluation.
    """
    found = _found(spec, observation)
    if found.state is State.ERROR:
        # Nobody knows how the rows are: they stay what they were.
        found = replace(found, still=memory.told_rows)
        due = memory.told_state is not State.ERROR
    else:
        found = _with_changes(found, memory)
        due = _is_due(spec, found, memory, now)
    mutes = [mute for mute in (spec.mute_until, memory.muted_until) if mute is not None]
    notify = due and not any(now < mute for mute in mutes)
    return replace(found, notify=notify, memory=_remembered(spec, found, memory, now, due=due, notify=notify))


def _found(spec: AlertSpec, observation: Observation) -> Decision:
    if observation.error is not None:
        return _failed(observation.error)
    if observation.result is None:
        msg = "an observation holds a result or an error"
        raise ValueError(msg)
    try:
        measured = measure(spec, observation.result)
    except LakehouseError as error:
        return _failed(error)
    stale = _staleness(spec, observation.freshness)
    found = Decision(measured.state, measured.value, measured.rows, reason=measured.reason)
    if not stale:
        return found
    if measured.state is State.TRIGGERED:
        return replace(found, reason=f"{measured.reason} {stale}".strip())
    if spec.stale_data_state is State.TRIGGERED:
        return replace(found, state=State.TRIGGERED, reason=stale)
    remedy = "Look whether the sensors send and the pipeline runs."
    return replace(_failed(StaleDataError(stale, remedy)), value=measured.value)


def _failed(error: LakehouseError) -> Decision:
    return Decision(State.ERROR, reason=str(error), error=error)


def _staleness(spec: AlertSpec, freshness: Freshness | None) -> str:
    if spec.stale_after is None or freshness is None:
        return ""
    limit = _words(spec.stale_after)
    if freshness.newest is None:
        return f"There is no data at all; it may be at most {limit} old."
    age = freshness.judged_at - freshness.newest
    return f"The newest data is {_words(age)} old; it may be at most {limit} old." if age > spec.stale_after else ""


def _words(span: timedelta) -> str:
    seconds = round(span.total_seconds())
    hours, minutes = divmod(seconds // 60, 60)
    if seconds < 60:  # noqa: PLR2004 - below a minute seconds say more
        return f"{seconds} s"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _with_changes(found: Decision, memory: Memory) -> Decision:
    triggered = {owner for owner, state in found.row_states.items() if state is State.TRIGGERED}
    known = set(memory.told_rows)
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
        return spec.notify_on_ok and memory.told_state in {State.TRIGGERED, State.ERROR}
    if found.state is not memory.told_state or found.newly or (found.recovered and spec.notify_on_ok):
        return True
    return _is_repeat_due(spec, memory, now)


def _is_repeat_due(spec: AlertSpec, memory: Memory, now: datetime) -> bool:
    if spec.retrigger == ONCE:
        return False
    if spec.retrigger == EVERY_EVALUATION or memory.told_at is None:
        return True
    # A clock that was moved by hand and moved back must not silence the alert until it catches up.
    return not memory.told_at <= now < memory.told_at + timedelta(seconds=_seconds(spec))


def _seconds(spec: AlertSpec) -> float:
    return spec.retrigger.total_seconds() if isinstance(spec.retrigger, timedelta) else 0.0


def _remembered(spec: AlertSpec, found: Decision, memory: Memory, now: datetime, *, due: bool, notify: bool) -> Memory:
    seen = replace(memory, state=found.state)
    if found.state is State.ERROR:
        return replace(seen, told_state=State.ERROR, told_at=now) if notify else seen
    if notify:
        return replace(seen, told_state=found.state, told_rows=tuple(sorted({*found.newly, *found.still})), told_at=now)
    if not due and found.state is State.OK:
        return replace(seen, told_state=State.OK, told_rows=())
    # Recoveries that nobody is told of are forgotten, or the same row could not trigger anew.
    return seen if spec.notify_on_ok else replace(seen, told_rows=found.still)
