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


def test_alert_of_an_overheating_reaches_the_receiver_and_its_end_too(stack: Stack) -> None:
    stack.ask("generator", "python", "-m", "generators", "trigger-event")
    alert = "Overheating Equipment Alert"
    wait_until(lambda: f"[TRIGGERED] {alert}" in stack.told(), 240, "the alert fires")
    stack.ask("generator", "python", "-m", "generators", "batch", "--anomaly-rate", "0")
    wait_until(lambda: stack.told()[-1:] == [f"[OK] {alert}"], 240, "the alert is over")


@pytest.mark.parametrize("service", LASTING)
def test_stack_heals_after_a_kill_while_files_land(stack: Stack, service: str) -> None:
    stack.ask("generator", "python", "-m", "generators", "batch", "--at", "-6h")
    stack.kill(service)
    # Docker takes `docker kill` for a wish: it leaves the container down until it is asked for again.
    stack.up()
    assert [name for name, holds in stack.invariants().items() if not holds] == []


def test_process_that_dies_is_started_again_by_itself(stack: Stack) -> None:
    stack.ask("alerts", "python", "-c", _KILL_EVERYTHING)
    wait_until(lambda: stack.container("alerts")["RestartCount"] == 1, 60, "the alerts are started again")
    wait_until(lambda: stack.container("alerts")["State"]["Running"], 60, "they run")


def test_all_data_is_there_after_down_and_up(stack: Stack) -> None:
    before = stack.dashboards().ids("chart")
    rows = _rows(stack)
    stack.down()
    stack.up()
    assert _rows(stack) >= rows > 0
    assert stack.dashboards().ids("chart") == before
    assert [name for name, holds in stack.invariants().items() if not holds] == []


def test_stack_ends_well_when_it_is_told(stack: Stack) -> None:
    stack.compose("stop")
    codes = {service: stack.container(service)["State"]["ExitCode"] for service in LASTING}
    stack.up()
    assert {service for service, code in codes.items() if code not in {0, 143}} == set()


_KILL_EVERYTHING = """
import os, signal
for pid in filter(str.isdigit, os.listdir("/proc")):
    if int(pid) not in {1, os.getpid()}:
        os.kill(int(pid), signal.SIGKILL)
"""


def _rows(stack: Stack) -> int:
    count = "import deltalake as d; print(d.DeltaTable('/lakehouse/smart_factory/bronze_sensor_readings').count())"
    return int(stack.ask("pipeline", "python", "-c", count))
