"""The stack on a real engine: what a person does with it, and what is done to it."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING

import pytest

from tests.compose.stack import LASTING, wait_until

if TYPE_CHECKING:
    from tests.compose.stack import Stack

pytestmark = pytest.mark.compose
_ALERT = "Overheating Equipment Alert"
# What charts of both dashboards show as soon as the first update is done.
_SHOWN_AT_ONCE = {"average_temperature_by_location", "temperature_by_hour_and_floor", "table_health", "recent_updates"}


def test_both_dashboards_have_data_once_the_stack_is_up(stack: Stack) -> None:
    shown = stack.dashboards().all_rows()
    assert {chart for chart in _SHOWN_AT_ONCE if not shown[chart]} == set()


def test_page_shows_the_update_that_the_files_started(stack: Stack) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{stack.ports['PAGE_PORT']}/api/graph") as answer:
        graph = json.load(answer)
    assert (graph["update"]["cause"], graph["runner"]["problem"]) == ("JOB_TASK", None)


@pytest.mark.parametrize("service", LASTING)
def test_container_runs_without_root_rights_or_a_writable_root(stack: Stack, service: str) -> None:
    facts = stack.container(service)
    assert facts["HostConfig"]["ReadonlyRootfs"]
    assert facts["HostConfig"]["CapDrop"] == ["ALL"]
    assert stack.ask(service, "id", "-u").strip() not in {"", "0"}
    published = [host["HostIp"] for hosts in facts["NetworkSettings"]["Ports"].values() for host in hosts or []]
    assert set(published) <= {"127.0.0.1"}


def test_no_secret_stands_in_a_container_s_configuration(stack: Stack) -> None:
    for service in ("superset-db", "superset"):
        secret = stack.ask("superset", "cat", "/secrets/pgpass").strip().rpartition(":")[2]
        assert secret not in json.dumps(stack.container(service))


def test_first_three_acts_and_the_recap_play_on_the_running_stack(stack: Stack) -> None:
    for act in ("act1", "act2", "act3", "act5"):
        assert "✔" in stack.play(act)


def test_overheating_is_told_to_the_receiver_by_the_service(stack: Stack) -> None:
    stack.ask("generator", "python", "-m", "generators", "trigger-event")
    wait_until(lambda: stack.told()[-1:] == [f"[TRIGGERED] {_ALERT}"], 240, "the alert fires")


def test_fourth_act_s_alerts_are_delivered_and_end_calm(stack: Stack) -> None:
    before = len(stack.told())
    assert "the alert is OK again" in stack.play("act4")
    told = stack.told()[before:]
    assert f"[TRIGGERED] {_ALERT}" in told
    assert told[-1] == f"[OK] {_ALERT}"


@pytest.mark.parametrize("service", LASTING)
def test_act_and_stack_go_on_after_a_container_is_killed(stack: Stack, service: str) -> None:
    with stack.playing("act2"):
        stack.kill(service)
        # Docker takes `docker kill` for a wish: it leaves the container down until it is asked for again.
        stack.up()
    assert stack.broken_promises() == set()


def test_act_and_stack_go_on_by_themselves_after_all_processes_have_died(stack: Stack) -> None:
    with stack.playing("act2"):
        begun = {service: stack.started_at(service) for service in LASTING}
        for service in LASTING:
            stack.crash(service)
        wait_until(lambda: all(stack.started_at(one) > begun[one] for one in LASTING), 60, "all are started again")
        wait_until(lambda: all(stack.is_well(one) for one in LASTING), 240, "all work again")
    assert stack.broken_promises() == set()
    stack.dashboards().all_rows()


def test_stack_ends_well_when_it_is_told_and_has_all_data_when_it_is_up_again(stack: Stack) -> None:
    charts, rows = stack.dashboards().ids("chart"), stack.rows()
    # An update is in flight.
    stack.ask("generator", "python", "-m", "generators", "batch", "--at", "-6h")
    stack.compose("stop")
    codes = {service: stack.container(service)["State"]["ExitCode"] for service in LASTING}
    stack.down()
    stack.up()
    assert set(codes.values()) == {0}
    assert stack.rows() >= rows > 0
    assert stack.dashboards().ids("chart") == charts
    assert stack.broken_promises() == set()
