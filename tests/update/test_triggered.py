"""Which flows a triggered update runs, how often, and how each ends."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from pipeline.foundation.errors import AuthorError, UnknownNameError
from pipeline.rework.work import UpdateContext
from pipeline.selection import Selection
from pipeline.settings import RetrySettings, load_settings
from pipeline.update.result import UpdateResult
from pipeline.update.triggered import TriggeredUpdate, chosen_tables
from tests.update.fakes import FakeFlow, FakeReporter, FakeRunner, flows

if TYPE_CHECKING:
    from pathlib import Path

FULL_DISK = OSError(28, "No space left on device")
RETRIES = RetrySettings(attempts=4, first_wait=timedelta(seconds=1), longest_wait=timedelta(seconds=3))


class Stage:
    """Bronze and silver in a row, another table on its own, and what becomes of them."""

    def __init__(self, home: Path) -> None:
        self.bronze = FakeFlow("bronze", reads_files=True)
        self.silver = FakeFlow("silver", "bronze")
        self.other = FakeFlow("other", reads_files=True)
        self.flows = flows(self.bronze, self.silver, self.other, home=home)
        self.runner, self.reporter = FakeRunner(), FakeReporter()
        self.slept: list[float] = []

    def run(self, **selection: Any) -> UpdateResult:
        own = {"retries": RETRIES, "table_expectations": "on_request"}
        settings = load_settings().model_copy(update=own)
        lakehouse, reporter = self.flows.lakehouse, self.reporter
        context = UpdateContext("an update", lakehouse, self.flows, self.runner, reporter, cast("Any", None))
        result = UpdateResult("an update")
        TriggeredUpdate(context, settings, self.slept.append, None).run(Selection(**selection), result)
        return result


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_every_flow_runs_once_in_dependency_order_and_the_landing_zones_are_cleaned(stage: Stage) -> None:
    result = stage.run()
    assert stage.runner.ran == ["bronze", "silver", "other"]
    assert result.statuses == dict.fromkeys(["bronze", "silver", "other"], "COMPLETED")
    assert (stage.bronze.cleaned, stage.other.cleaned) == (1, 1)


def test_selected_table_runs_with_what_it_needs_and_the_landing_zones_are_left(stage: Stage) -> None:
    result = stage.run(refresh=("silver",))
    assert stage.runner.ran == ["bronze", "silver"]
    assert result.statuses == {"bronze": "COMPLETED", "silver": "COMPLETED", "other": "EXCLUDED"}
    assert stage.bronze.cleaned == 0


def test_flow_that_fails_has_those_downstream_skipped_and_the_others_run(stage: Stage) -> None:
    error = AuthorError("a", "b")
    stage.runner.failures["bronze"] = [error]
    result = stage.run()
    assert stage.runner.ran == ["bronze", "other"]
    assert result.statuses == {"bronze": "FAILED", "silver": "SKIPPED", "other": "COMPLETED"}
    assert result.errors == {"bronze": error, "silver": error}
    assert stage.bronze.cleaned == 0


def test_flow_that_the_environment_failed_is_run_again_after_waits_that_double(stage: Stage) -> None:
    stage.runner.failures["bronze"] = [FULL_DISK] * 3
    assert stage.run().errors == {}
    assert stage.runner.ran == ["bronze"] * 4 + ["silver", "other"]
    assert stage.slept == [1.0, 2.0, 3.0]
    assert stage.reporter.retries == [("bronze", 1, 1.0), ("bronze", 2, 2.0), ("bronze", 3, 3.0)]


def test_flow_that_the_environment_keeps_failing_is_given_up_after_the_last_attempt(stage: Stage) -> None:
    stage.runner.failures["bronze"] = [FULL_DISK] * 9
    result = stage.run()
    assert stage.runner.ran == ["bronze"] * 4 + ["other"]
    assert stage.slept == [1.0, 2.0, 3.0]
    assert result.errors["bronze"].__cause__ is FULL_DISK


def test_flow_with_a_deterministic_failure_is_run_once(stage: Stage) -> None:
    stage.runner.failures["bronze"] = [ValueError("always")]
    stage.run(refresh=("bronze",))
    assert stage.runner.ran == ["bronze"]
    assert stage.slept == []


def test_update_that_only_judges_tables_runs_no_flow(stage: Stage) -> None:
    result = stage.run(validate=True)
    assert stage.runner.ran == []
    assert set(result.statuses.values()) == {"EXCLUDED"}


def test_selection_of_an_unknown_table_is_refused(stage: Stage) -> None:
    with pytest.raises(UnknownNameError):
        stage.run(refresh=("no_such_table",))


def test_full_refresh_of_a_table_includes_everything_downstream(stage: Stage) -> None:
    graph = stage.flows.lakehouse.graph
    assert chosen_tables(graph, Selection(full_refresh=("bronze",))) == ({"bronze", "silver"}, {"bronze", "silver"})
    assert chosen_tables(graph, Selection(refresh=("silver",))) == ({"bronze", "silver"}, set())
    assert chosen_tables(graph, Selection(refresh=("silver",), full_refresh=("other",))) == (
        {"bronze", "silver", "other"},
        {"other"},
    )
