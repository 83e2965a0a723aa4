"""The decision, case by case and over random histories."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.decide import Decision, Freshness, Memory, Observation, decide
from alerts.model import AlertSpec, State
from pipeline.warehouse.hive import Result, WarehouseDownError
from tests.alerts.doubles import NOON, devices, spec_of

DOWN = Observation(error=WarehouseDownError("The warehouse is down.", "Start it."))
STALE: dict[str, Any] = {"freshness": "SELECT 1", "stale_after": "10m"}
NOTIFIED_A = Memory(State.TRIGGERED, State.TRIGGERED, ("A",), {"A": NOON}, {"A": NOON})
NOTIFIED_OK = Memory(State.OK, State.OK)
NOTIFIED_ERROR = Memory(State.ERROR, State.ERROR, ("A",), {"A": NOON}, {"A": NOON})


def hot(*names: str, age: timedelta | None = None) -> Observation:
    return Observation(devices(*names), None if age is None else Freshness(NOON - age, NOON))


def after(spec: AlertSpec, *observations: Observation) -> list[Decision]:
    memory, decisions = Memory(), []
    for position, observation in enumerate(observations):
        decision = decide(spec, observation, memory, NOON + position * timedelta(minutes=2))
        memory = decision.memory
        decisions.append(decision)
    return decisions


@pytest.mark.parametrize(
    ("memory", "observation", "state", "notify", "newly", "still", "recovered"),
    [
        pytest.param(Memory(), hot(), State.OK, False, (), (), (), id="first OK is no news"),
        pytest.param(Memory(), hot("A"), State.TRIGGERED, True, ("A",), (), (), id="first trigger"),
        pytest.param(Memory(), DOWN, State.ERROR, True, (), (), (), id="first error"),
        pytest.param(NOTIFIED_OK, hot("B", "A"), State.TRIGGERED, True, ("A", "B"), (), (), id="trigger"),
        pytest.param(NOTIFIED_A, hot("A"), State.TRIGGERED, False, (), ("A",), (), id="still triggered"),
        pytest.param(NOTIFIED_A, hot("A", "B"), State.TRIGGERED, True, ("B",), ("A",), (), id="one more"),
        pytest.param(NOTIFIED_A, hot("B"), State.TRIGGERED, True, ("B",), (), ("A",), id="another instead"),
        pytest.param(NOTIFIED_A, hot(), State.OK, True, (), (), ("A",), id="recovery"),
        pytest.param(NOTIFIED_A, DOWN, State.ERROR, True, (), ("A",), (), id="error keeps the rows"),
        pytest.param(NOTIFIED_ERROR, DOWN, State.ERROR, False, (), ("A",), (), id="error notified once"),
        pytest.param(NOTIFIED_ERROR, hot("A"), State.TRIGGERED, True, (), ("A",), (), id="back, still hot"),
        pytest.param(NOTIFIED_ERROR, hot(), State.OK, True, (), (), ("A",), id="back, recovered"),
        pytest.param(NOTIFIED_OK, hot(), State.OK, False, (), (), (), id="still OK"),
    ],
)
def test_decision_for_an_observation_depends_on_the_last_notification(
    memory: Memory,
    observation: Observation,
    state: State,
    notify: bool,
    newly: tuple[str, ...],
    still: tuple[str, ...],
    recovered: tuple[str, ...],
) -> None:
    decision = decide(spec_of(), observation, memory, NOON)
    assert (decision.state, decision.notify) == (state, notify)
    assert (decision.newly, decision.still, decision.recovered) == (newly, still, recovered)


def test_recovery_without_notify_on_ok_is_not_notified_but_the_next_trigger_is() -> None:
    quiet = spec_of(notify_on_ok=False)
    notified = [decision.notify for decision in after(quiet, hot("A"), hot(), hot("A"), DOWN, hot())]
    assert notified == [True, False, True, True, False]


def test_one_recovery_of_two_without_notify_on_ok_is_not_notified_but_its_next_trigger_is() -> None:
    quiet = spec_of(notify_on_ok=False)
    notified = [decision.notify for decision in after(quiet, hot("A", "B"), hot("A"), hot("A", "B"))]
    assert notified == [True, False, True]


@pytest.mark.parametrize(
    ("retrigger", "notified"),
    [
        ("once", [True, False, False, False, False]),
        ("every evaluation", [True, True, True, True, True]),
        ("4m", [True, False, True, False, True]),
        ("5m", [True, False, False, True, False]),
    ],
)
def test_unchanged_trigger_with_retrigger_is_repeated_as_declared(retrigger: str, notified: list[bool]) -> None:
    decisions = after(spec_of(retrigger=retrigger), *[hot("A")] * 5)
    assert [decision.notify for decision in decisions] == notified


def test_repeated_trigger_after_the_clock_moved_back_is_not_silenced() -> None:
    ahead = replace(NOTIFIED_A, triggers_notified_at={"A": NOON + timedelta(hours=5)})
    assert decide(spec_of(retrigger="30m"), hot("A"), ahead, NOON).notify


def messages(spec: AlertSpec, *observations: Observation) -> list[str]:
    """Return what each evaluation's message is about, empty where it sends none."""
    decisions = after(spec, *observations)
    return [f"{one.state} {'+'.join(one.newly + one.still)}".strip() if one.notify else "" for one in decisions]


def test_flapping_row_is_notified_again_only_after_retrigger_whatever_came_between() -> None:
    quiet = spec_of(retrigger="9m", notify_on_ok=False)
    flapping = [hot("A"), hot(), hot("A"), DOWN, hot("A"), hot("A"), hot(), hot("A")]
    assert messages(quiet, *flapping) == ["TRIGGERED A", "", "", "ERROR", "", "TRIGGERED A", "", ""]


def test_flapping_row_with_notify_on_ok_sends_one_pair_of_messages_within_retrigger() -> None:
    flapping = [hot("A"), hot(), hot("A"), hot(), hot("A"), hot()]
    assert messages(spec_of(retrigger="7m"), *flapping) == ["TRIGGERED A", "OK", "", "", "TRIGGERED A", "OK"]


def test_row_that_triggers_for_the_first_time_is_notified_within_the_retrigger_of_another() -> None:
    quiet = spec_of(retrigger="5m", notify_on_ok=False)
    seen = [hot("A"), hot("A", "B"), hot("A"), hot("A", "B"), hot("A", "B")]
    assert messages(quiet, *seen) == ["TRIGGERED A", "TRIGGERED B+A", "", "", "TRIGGERED B+A"]


def test_alert_without_per_row_flaps_quietly_within_retrigger() -> None:
    spec = spec_of(
        per_row=None, retrigger="5m", notify_on_ok=False, condition={"column": "t", "operator": ">", "threshold": 40}
    )
    seen = [Observation(Result(["t"], [[value]])) for value in (50, 30, 50, 50, 30, 50)]
    assert messages(spec, *seen) == ["TRIGGERED", "", "", "TRIGGERED", "", ""]


def test_row_is_triggered_once_it_has_met_the_condition_for_pending_for_without_a_break() -> None:
    spec = spec_of(pending_for="4m")
    seen = [hot("A"), hot("A"), hot(), hot("A", "B"), hot("A", "B"), hot("A", "B"), hot("B"), hot()]
    assert messages(spec, *seen) == ["", "", "", "", "", "TRIGGERED A+B", "TRIGGERED B", "OK"]
    decisions = after(spec, *seen)
    assert [one.state for one in decisions] == [State.OK] * 5 + [State.TRIGGERED] * 2 + [State.OK]
    assert decisions[3].row_states == {"A": State.OK, "B": State.OK}
    assert decisions[3].reason == "Met for less than 4 min: A, B."


def test_flapping_row_with_pending_for_is_never_notified() -> None:
    assert set(messages(spec_of(pending_for="3m"), *[hot("A"), hot()] * 5)) == {""}


def test_failed_evaluation_does_not_end_what_is_pending() -> None:
    assert messages(spec_of(pending_for="4m"), hot("A"), DOWN, hot("A")) == ["", "ERROR", "TRIGGERED A"]


def test_pending_row_with_stale_data_is_an_error_not_ok() -> None:
    spec = spec_of(**STALE, pending_for="4m")
    assert decide(spec, hot("A", age=timedelta(hours=1)), NOTIFIED_OK, NOON).state is State.ERROR


def test_triggered_row_whose_alert_gets_pending_for_stays_triggered() -> None:
    decision = decide(spec_of(pending_for="4m"), hot("A", "B"), NOTIFIED_A, NOON + timedelta(minutes=4))
    assert (decision.state, decision.still, decision.newly) == (State.TRIGGERED, ("A",), ())


def test_error_with_retrigger_every_evaluation_is_notified_once() -> None:
    notified = [decision.notify for decision in after(spec_of(retrigger="every evaluation"), DOWN, DOWN, DOWN)]
    assert notified == [True, False, False]


@pytest.mark.parametrize("by_hand", [True, False])
def test_change_while_muted_that_persists_is_notified_after_the_mute(by_hand: bool) -> None:
    until = NOON + timedelta(minutes=1)
    spec = spec_of() if by_hand else spec_of(mute_until=until)
    memory = Memory(muted_until=until) if by_hand else Memory()
    muted = decide(spec, hot("A"), memory, NOON)
    unmuted = decide(spec, hot("A"), muted.memory, until)
    again = decide(spec, hot("A"), unmuted.memory, until + timedelta(minutes=2))
    assert [muted.notify, unmuted.notify, again.notify] == [False, True, False]
    assert unmuted.newly == ("A",)


def test_change_and_return_while_muted_is_never_notified() -> None:
    muted = Memory(State.OK, State.OK, muted_until=NOON + timedelta(hours=1))
    first = decide(spec_of(), hot("A"), muted, NOON)
    second = decide(spec_of(), hot(), first.memory, NOON + timedelta(hours=2))
    assert not first.notify
    assert not second.notify


@pytest.mark.parametrize(
    ("observation", "state"),
    [
        pytest.param(hot(age=timedelta(minutes=10)), State.OK, id="exactly at the limit"),
        pytest.param(hot(age=timedelta(minutes=10, seconds=1)), State.ERROR, id="older"),
        pytest.param(hot("A", age=timedelta(hours=1)), State.TRIGGERED, id="silent while hot"),
        pytest.param(Observation(devices(), Freshness(None, NOON)), State.ERROR, id="no data at all"),
        pytest.param(hot(age=-timedelta(minutes=5)), State.OK, id="clocks that run ahead"),
    ],
)
def test_age_of_the_data_gives_the_state(observation: Observation, state: State) -> None:
    assert decide(spec_of(**STALE), observation, Memory(), NOON).state is state


def test_stale_data_while_ok_is_an_error_notified_once_with_its_age() -> None:
    decisions = after(spec_of(**STALE), *[hot(age=timedelta(minutes=11))] * 2)
    assert [decision.notify for decision in decisions] == [True, False]
    assert "11 min old" in decisions[0].reason


def test_stale_data_with_stale_data_state_triggered_triggers() -> None:
    spec = spec_of(**STALE, stale_data_state="TRIGGERED")
    decision = decide(spec, hot(age=timedelta(hours=1)), NOTIFIED_OK, NOON)
    assert (decision.state, decision.notify) == (State.TRIGGERED, True)


def test_stale_data_of_a_hot_device_says_so() -> None:
    decision = decide(spec_of(**STALE), hot("A", age=timedelta(hours=3)), NOTIFIED_A, NOON)
    assert "3 h 0 min old" in decision.reason


def test_unknown_column_in_the_result_is_an_error_that_names_the_nearest() -> None:
    decision = decide(spec_of(per_row="device"), hot("A"), Memory(), NOON)
    assert decision.state is State.ERROR
    assert "Did you mean `device_id`?" in decision.reason
    assert decision.error is not None
    assert decision.error.exit_code == 2


def test_observation_with_neither_result_nor_error_is_refused() -> None:
    with pytest.raises(ValueError, match="a result or an error"):
        decide(spec_of(), Observation(), Memory(), NOON)


def test_decision_made_twice_is_the_same() -> None:
    assert decide(spec_of(), hot("A"), NOTIFIED_OK, NOON) == decide(spec_of(), hot("A"), NOTIFIED_OK, NOON)


observations = st.lists(
    st.one_of(st.just(DOWN), st.frozensets(st.sampled_from("ABC")).map(lambda names: hot(*sorted(names)))),
    max_size=25,
)


@given(observations)
@settings(max_examples=300, deadline=None)
def test_any_history_with_notify_on_ok_notifies_exactly_when_state_or_rows_change(
    history: list[Observation],
) -> None:
    known: tuple[State, frozenset[str]] = (State.OK, frozenset())
    for observation, decision in zip(history, after(spec_of(), *history), strict=True):
        if observation.result is None:
            seen = (State.ERROR, known[1])
        else:
            names = frozenset(str(row[0]) for row in observation.result.rows)
            seen = (State.TRIGGERED if names else State.OK, names)
        assert decision.notify == (seen != known)
        assert set(decision.newly) | set(decision.still) == seen[1]
        known = seen


@given(observations, st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_history_with_a_retrigger_notifies_of_every_triggered_row_within_it_and_of_one_row_not_more_often(
    history: list[Observation], notify_on_ok: bool
) -> None:
    last: dict[str, int] = {}
    for position, decision in enumerate(after(spec_of(retrigger="7m", notify_on_ok=notify_on_ok), *history)):
        triggered = {*decision.newly, *decision.still} if decision.state is State.TRIGGERED else set()
        due = {row for row in triggered if position - last.get(row, -4) >= 4}
        if decision.notify and decision.state is State.TRIGGERED:
            assert due or decision.recovered
            last |= dict.fromkeys(triggered, position)
        elif triggered:
            assert not due


@given(observations, st.sampled_from(["once", "every evaluation"]), st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_history_never_leaves_ok_as_the_last_notification_while_triggered(
    history: list[Observation], retrigger: str, notify_on_ok: bool
) -> None:
    for decision in after(spec_of(retrigger=retrigger, notify_on_ok=notify_on_ok), *history):
        if decision.state is State.TRIGGERED:
            assert decision.memory.notified_state is State.TRIGGERED
            assert set(decision.newly) | set(decision.still) <= set(decision.memory.notified_rows)
        assert not (decision.state is State.ERROR and decision.memory.notified_state is not State.ERROR)


def test_value_without_per_row_is_kept_for_the_message() -> None:
    spec = spec_of(per_row=None, condition={"column": "t", "aggregation": "MAX", "operator": ">", "threshold": 40})
    decision = decide(spec, Observation(Result(["t"], [[39.0], [41.5]])), Memory(), NOON)
    assert (decision.state, decision.value, decision.newly) == (State.TRIGGERED, 41.5, ())
