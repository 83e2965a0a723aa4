"""The stack on a real Docker engine: what users do with it, and what it survives."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.compose.stack import LASTING, wait_until
from tests.warehouse.attacks import FATAL

if TYPE_CHECKING:
    from tests.compose.stack import Stack

pytestmark = pytest.mark.compose
_ALERT = "Overheating Equipment Alert"
# Charts of both dashboards that have data after the first update.
_SHOWN_AT_ONCE = {"average_temperature_by_location", "temperature_by_hour_and_floor", "table_health", "recent_updates"}


def test_both_dashboards_have_data_once_the_stack_is_up(stack: Stack) -> None:
    shown = stack.dashboards().all_rows()
    assert {chart for chart in _SHOWN_AT_ONCE if not shown[chart]} == set()


def test_page_shows_the_update_that_arriving_files_started(stack: Stack) -> None:
    graph = stack.page()
    assert (graph["update"]["cause"], graph["runner"]["problem"]) == ("JOB_TASK", None)


@pytest.mark.parametrize("service", LASTING)
def test_container_runs_without_root_rights_or_a_writable_root(stack: Stack, service: str) -> None:
    facts = stack.container(service)
    assert facts["HostConfig"]["ReadonlyRootfs"]
    assert facts["HostConfig"]["CapDrop"] == ["ALL"]
    assert stack.ask(service, "id", "-u").strip() not in {"", "0"}
    published = [host["HostIp"] for hosts in facts["NetworkSettings"]["Ports"].values() for host in hosts or []]
    assert set(published) <= {"127.0.0.1"}


def test_configuration_of_a_container_contains_no_secret(stack: Stack) -> None:
    for service in ("superset-db", "superset"):
        secret = stack.ask("superset", "cat", "/secrets/pgpass").strip().rpartition(":")[2]
        assert secret not in json.dumps(stack.container(service))


def test_first_three_acts_and_the_recap_play_on_the_running_stack(stack: Stack) -> None:
    for act in ("act1", "act2", "act3", "act5"):
        assert "✔" in stack.play(act)


def test_alert_service_notifies_the_receiver_of_an_overheating(stack: Stack) -> None:
    stack.ask("generator", "python", "-m", "generators", "trigger-event")
    wait_until(lambda: stack.received()[-1:] == [f"[TRIGGERED] {_ALERT}"], 240, "the alert fires")


def test_fourth_act_delivers_its_alerts_and_ends_with_ok(stack: Stack) -> None:
    before = len(stack.received())
    assert "the alert is OK again" in stack.play("act4")
    received = stack.received()[before:]
    assert f"[TRIGGERED] {_ALERT}" in received
    assert received[-1] == f"[OK] {_ALERT}"


@pytest.mark.parametrize("service", LASTING)
def test_act_and_stack_continue_after_a_container_is_killed(stack: Stack, service: str) -> None:
    with stack.playing("act2"):
        stack.kill(service)
        # Docker treats `docker kill` as intentional and does not restart the container.
        stack.up()
    assert stack.broken_promises() == set()


def test_act_and_stack_continue_by_themselves_after_all_processes_died(stack: Stack) -> None:
    with stack.playing("act2"):
        begun = {service: stack.started_at(service) for service in LASTING}
        for service in LASTING:
            stack.crash(service)
        wait_until(lambda: all(stack.started_at(one) > begun[one] for one in LASTING), 60, "all services restarted")
        wait_until(lambda: all(stack.is_well(one) for one in LASTING), 240, "all services are healthy")
    assert stack.broken_promises() == set()
    stack.dashboards().all_rows()


_EXHAUST = f"""
from pipeline.foundation.errors import LakehouseError
from pipeline.warehouse.hive import HiveWarehouse
try:
    HiveWarehouse("hive://warehouse:10000/smart_factory").query({FATAL!r})
except LakehouseError as error:
    print(error)
"""


def test_warehouse_whose_memory_a_query_exhausts_serves_again_without_a_hand(stack: Stack) -> None:
    begun = stack.started_at("warehouse")
    stack.ask("alerts", "python", "-c", _EXHAUST)
    wait_until(lambda: stack.started_at("warehouse") > begun, 120, "the warehouse restarted")
    wait_until(lambda: stack.is_well("warehouse"), 120, "the warehouse is healthy")
    stack.dashboards().all_rows()


def test_stack_that_is_stopped_exits_cleanly_and_has_all_data_after_a_restart(stack: Stack) -> None:
    charts, rows = stack.dashboards().ids("chart"), stack.rows()
    # Stop while an update is running.
    stack.ask("generator", "python", "-m", "generators", "batch", "--at", "-6h")
    stack.compose("stop")
    codes = {service: stack.container(service)["State"]["ExitCode"] for service in LASTING}
    stack.down()
    stack.up()
    assert set(codes.values()) == {0}
    assert stack.rows() >= rows > 0
    assert stack.dashboards().ids("chart") == charts
    assert stack.broken_promises() == set()


def test_profile_cluster_plays_the_demo_on_workers_and_survives_the_death_of_one(stack: Stack) -> None:
    stack.up_on_cluster(workers=2)
    assert "✔" in stack.play("act1")
    assert stack.executors() == 2
    with stack.playing("act2"):
        wait_until(lambda: stack.page()["runner"]["state"] == "running", 240, "an update is running")
        stack.kill_worker()
    stack.up_on_cluster(workers=2)
    assert "the alert is OK again" in stack.play("act4")
    assert stack.broken_promises() == set()
    shown = stack.dashboards().all_rows()
    assert {chart for chart in _SHOWN_AT_ONCE if not shown[chart]} == set()
