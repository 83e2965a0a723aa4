"""When continuous mode starts, restarts, yields and stops; its time is counted in ticks, not waited for."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.foundation.errors import AuthorError
from pipeline.foundation.stop import Stop
from pipeline.settings import RetrySettings, load_settings
from pipeline.update.continuous import Continuous, Pace
from pipeline.update.result import UpdateResult
from tests.update.fakes import FakeFlow, FakeReporter, FakeRunner, flows

if TYPE_CHECKING:
    from collections.abc import Callable

FULL_DISK = OSError(28, "No space left on device")
WRONG_QUERY = AuthorError("a", "b")
PACE = Pace(tick_seconds=1, longest_yield_seconds=20, drain_seconds=6)


class Plan(Stop):
    """Takes no time to wait; does what a test has planned for a tick, and asks for the end after the last."""

    def __init__(self, ticks: int, **actions: Callable[[], object]) -> None:
        super().__init__()
        self.tick = 0
        self._last = ticks
        self._actions = {int(name.removeprefix("at_")): action for name, action in actions.items()}

    def wait(self, seconds: float) -> bool:
        assert seconds == PACE.tick_seconds
        self.tick += 1
        self._actions.get(self.tick, lambda: None)()
        if self.tick == self._last:
            self.ask()
        return self.is_asked()


class Stage:
    """Three flows in a row, bronze from files, silver and gold, and what becomes of them."""

    def __init__(self, **settings: Any) -> None:
        self.bronze = FakeFlow("bronze", reads_files=True)
        self.silver = FakeFlow("silver", "bronze")
        self.gold = FakeFlow("gold", "silver")
        self.flows = flows(self.bronze, self.silver, self.gold)
        self.runner, self.reporter = FakeRunner(), FakeReporter()
        self.slept: list[float] = []
        self.result = UpdateResult("an update")
        self.while_draining: Callable[[], object] = lambda: None
        retries = RetrySettings(attempts=3, first_wait=timedelta(seconds=2), longest_wait=timedelta(seconds=60))
        self._settings = load_settings().model_copy(
            update={"retries": retries, "trigger_interval": timedelta(seconds=4), "trigger_intervals": {}, **settings}
        )

    def run(self, until: Stop) -> UpdateResult:
        def sleep(seconds: float) -> None:
            self.slept.append(seconds)
            self.while_draining()

        continuous = Continuous(self.flows, self.runner, self.reporter, self._settings, sleep, PACE)
        continuous.run(until, self.result)
        return self.result

    def started(self) -> list[str]:
        return [name for name, _ in self.runner.started]


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_idle_flows_are_started_once_each_and_stopped_in_dependency_order_with_the_landing_zone_cleaned(
    stage: Stage,
) -> None:
    result = stage.run(Plan(10))
    assert stage.started() == ["bronze", "silver", "gold"]
    assert stage.reporter.statuses == [("bronze", "STOPPED"), ("silver", "STOPPED"), ("gold", "STOPPED")]
    assert (result.state, result.errors) == ("COMPLETED", {})
    assert result.statuses == dict.fromkeys(["bronze", "silver", "gold"], "STOPPED")
    assert stage.bronze.cleaned == 1


def test_table_that_no_query_drives_is_looked_after_at_its_own_pace(stage: Stage) -> None:
    stage.flows = flows(FakeFlow("registry"))
    stage.runner.without_source = {"registry"}
    stage.runner.failures = {"registry": [FULL_DISK]}
    # The first look fails when it starts; two ticks later it is tried again, then every four.
    result = stage.run(Plan(12))
    assert stage.runner.ran == ["registry"] * 3
    assert stage.reporter.retries == [("registry", 1, 2)]
    assert (result.state, result.errors) == ("COMPLETED", {})


def test_queries_look_for_work_four_times_per_interval_and_a_fed_table_at_its_own() -> None:
    own = {"bronze": timedelta(seconds=1), "gold": timedelta(seconds=3)}
    stage = Stage(trigger_interval=timedelta(seconds=2), trigger_intervals=own)
    stage.run(Plan(1))
    assert stage.runner.started == [("bronze", 0.25), ("silver", 0.5), ("gold", 3.0)]


def test_flow_whose_source_has_no_table_yet_is_started_once_it_has_one(stage: Stage) -> None:
    stage.runner.without_source = {"gold"}
    stage.run(Plan(6, at_3=stage.runner.without_source.clear))
    assert stage.started() == ["bronze", "silver", "gold"]


def test_new_files_are_looked_for_once_per_interval(stage: Stage) -> None:
    looks: list[int] = []
    stage.run(Plan(12, at_1=lambda: looks.append(stage.bronze.looks), at_12=lambda: looks.append(stage.bronze.looks)))
    # The first look is the one of the source itself; the others follow every four ticks.
    assert looks == [0, 3]
    assert stage.silver.looks == 0


@pytest.mark.parametrize("is_started", [True, False], ids=["in its batch", "before its query"])
def test_files_wait_while_a_flow_downstream_is_behind(stage: Stage, is_started: bool) -> None:
    stage.gold.is_behind = True
    stage.runner.without_source = set() if is_started else {"gold"}
    looks: list[int] = []

    def catch_up() -> None:
        looks.append(stage.bronze.looks)
        stage.gold.is_behind = False
        stage.runner.without_source.clear()

    stage.run(Plan(20, at_15=catch_up, at_17=lambda: looks.append(stage.bronze.looks)))
    assert looks == [0, 1]


def test_files_wait_for_a_flow_that_is_behind_no_longer_than_the_longest_yield(stage: Stage) -> None:
    stage.gold.is_behind = True
    looks: list[int] = []
    stage.run(Plan(22, at_18=lambda: looks.append(stage.bronze.looks), at_22=lambda: looks.append(stage.bronze.looks)))
    assert looks == [0, 1]


def test_files_do_not_wait_for_a_flow_that_has_failed(stage: Stage) -> None:
    stage.gold.is_behind = True
    stage.runner.failures["gold"] = [WRONG_QUERY]
    stage.run(Plan(3))
    assert stage.bronze.looks == 1


def test_flow_that_the_environment_failed_is_started_again_after_waits_that_double(stage: Stage) -> None:
    stage.runner.failures["silver"] = [FULL_DISK, FULL_DISK]
    result = stage.run(Plan(10))
    assert stage.reporter.retries == [("silver", 1, 2.0), ("silver", 2, 4.0)]
    assert stage.started() == ["bronze", "gold", "silver"]
    assert result.errors == {}


def test_flow_that_fails_after_its_last_attempt_ends_and_the_others_go_on(stage: Stage) -> None:
    stage.runner.failures["silver"] = [FULL_DISK] * 3
    result = stage.run(Plan(20))
    assert set(result.errors) == {"silver"}
    assert result.statuses == {"bronze": "STOPPED", "silver": "FAILED", "gold": "STOPPED"}
    assert ("silver", "FAILED") in stage.reporter.statuses
    assert stage.bronze.cleaned == 0


def test_attempts_are_counted_anew_once_a_batch_was_finished_in_between(stage: Stage) -> None:
    def finish_a_batch() -> None:
        stage.silver.position.done += 1  # type: ignore[attr-defined]

    def fail() -> None:
        stage.runner.queries["silver"].end(FULL_DISK)

    stage.run(Plan(20, at_1=fail, at_5=finish_a_batch, at_7=fail, at_11=finish_a_batch, at_13=fail))
    assert stage.reporter.retries == [("silver", 1, 2.0)] * 3


def test_deterministic_failure_ends_its_flow_at_once(stage: Stage) -> None:
    result = stage.run(Plan(5, at_2=lambda: stage.runner.queries["silver"].end(ValueError("always"))))
    assert stage.reporter.retries == []
    assert set(result.errors) == {"silver"}


def test_query_that_ends_without_a_reason_fails_its_flow(stage: Stage) -> None:
    result = stage.run(Plan(5, at_2=lambda: stage.runner.queries["silver"].end(None)))
    assert "the query has ended" in result.errors["silver"].problem


def test_query_whose_source_has_new_columns_is_opened_again_without_counting_as_an_attempt(stage: Stage) -> None:
    result = stage.run(Plan(5, at_2=lambda: stage.runner.queries["silver"].end(OSError("a"), new_columns=True)))
    assert stage.started() == ["bronze", "silver", "gold", "silver"]
    assert len(stage.flows.opened) == 1
    assert (result.errors, stage.reporter.retries) == ({}, [])


def test_update_ends_by_itself_once_every_flow_has_failed(stage: Stage) -> None:
    stage.runner.failures = {name: [WRONG_QUERY] for name in ("bronze", "silver", "gold")}
    plan = Plan(1000)
    result = stage.run(plan)
    assert plan.tick == 1
    assert set(result.errors) == {"bronze", "silver", "gold"}


def test_end_waits_until_a_flow_that_is_behind_has_read_everything(stage: Stage) -> None:
    def catch_up() -> None:
        stage.silver.is_behind = len(stage.slept) < 3

    stage.while_draining = catch_up
    result = stage.run(Plan(2, at_2=lambda: setattr(stage.silver, "is_behind", True)))
    assert stage.slept == [1, 1, 1]
    assert result.state == "COMPLETED"


def test_end_does_not_wait_for_ever_and_leaves_the_rest_to_the_next_update(stage: Stage) -> None:
    stage.silver.is_behind = stage.gold.is_behind = True
    result = stage.run(Plan(2))
    assert stage.slept == [1] * 6
    assert result.state == "CANCELED"
    assert stage.bronze.cleaned == 0


def test_end_that_comes_before_a_query_was_started_is_not_the_end_of_the_work(stage: Stage) -> None:
    stage.runner.without_source = {"gold"}
    stage.gold.is_behind = True
    assert stage.run(Plan(3)).state == "CANCELED"


def test_end_before_a_query_that_would_have_had_nothing_to_read_is_complete(stage: Stage) -> None:
    stage.runner.without_source = {"gold"}
    assert stage.run(Plan(3)).state == "COMPLETED"


def test_query_that_does_not_stop_in_time_leaves_its_batch_to_the_next_update(stage: Stage) -> None:
    plan = Plan(3, at_2=lambda: vars(stage.runner.queries["silver"]).update(_stops=False))
    assert stage.run(plan).state == "CANCELED"
