"""One evaluation: recorded, delivered, and resumed after a failure at any point."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from deltalake import DeltaTable

from alerts.evaluate import deliver_pending, evaluate, mute
from alerts.heartbeat import beat
from alerts.history import SCHEMA, History, HistoryError
from alerts.model import State
from pipeline.foundation.errors import EnvironmentFaultError
from pipeline.notification.destination import OutboxDestination
from pipeline.warehouse.hive import WarehouseDownError
from tests.alerts.bench import MINUTE, Bench
from tests.alerts.doubles import NOON, FakeDestination, alert_of, settings_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "a home", alert_of())


def test_calm_hot_calm_notifies_twice_and_is_recorded_three_times(bench: Bench) -> None:
    states = [bench.tick(*hot).state for hot in ((), ("A", "B"), ())]
    assert states == [State.OK, State.TRIGGERED, State.OK]
    assert bench.notified == ["TRIGGERED", "OK"]
    rows = bench.rows
    assert [row["state"] for row in rows] == ["OK", "TRIGGERED", "OK"]
    assert [row["value"] for row in rows] == ["0", "2", "0"]
    assert [row["rows"] for row in rows] == [0, 2, 0]
    assert [row["notified"] for row in rows] == [False, True, True]
    assert [row["notification_id"] for row in rows[1:]] == [one.id for one in bench.destinations[0].taken]
    assert rows[1]["destination"] == "fake://here"
    assert json.loads(rows[2]["row_states"]) == {"A": "OK", "B": "OK"}
    assert rows[0]["evaluated_at"] == NOON + 2 * MINUTE


def test_table_has_the_columns_of_the_contract_first(bench: Bench) -> None:
    bench.tick()
    columns = [field.name for field in DeltaTable(bench.home / "smart_factory" / "alert_evaluations").schema().fields]
    assert columns == SCHEMA.names
    assert columns[:9] == [
        "alert", "evaluated_at", "state", "value", "rows", "notification_id", "notified", "destination", "delivery_error",
    ]  # fmt: skip


def test_evaluations_are_recorded_in_the_warehouse_s_database_with_the_declaration(tmp_path: Path) -> None:
    bench = Bench(tmp_path, alert_of(runbook="docs/hot.md"))
    bench.settings = settings_of(tmp_path, warehouse_url="hive://127.0.0.1:10000/plant")
    bench.tick("A")
    (row,) = History(bench.settings.home, "plant").latest("Hot")
    assert json.loads(row.declaration or "") == {
        "condition": "number of rows > 0",
        "schedule": "every 2 min",
        "query": "SELECT device_id FROM readings WHERE at <= :now",
        "runbook": "docs/hot.md",
    }


def test_table_needs_no_feature_that_locks_other_clients_out(bench: Bench) -> None:
    bench.tick()
    protocol = DeltaTable(bench.home / "smart_factory" / "alert_evaluations").protocol()
    assert (protocol.min_reader_version, protocol.min_writer_version) == (1, 2)


def test_check_at_another_moment_changes_the_query_and_not_the_record(bench: Bench) -> None:
    ahead = NOON + timedelta(hours=5)
    evaluation = bench.tick(at=ahead)
    assert "2026-03-01 17:00:00" in bench.warehouse.asked[0]
    assert (evaluation.row.as_of, evaluation.row.evaluated_at) == (ahead, NOON + 2 * MINUTE)


@pytest.mark.parametrize(
    ("age", "at", "state"),
    [
        pytest.param(5 * MINUTE, None, State.OK, id="fresh"),
        pytest.param(11 * MINUTE, None, State.ERROR, id="dead pipeline"),
        pytest.param(5 * MINUTE, timedelta(hours=5), State.OK, id="clock moved ahead"),
        pytest.param(11 * MINUTE, timedelta(hours=5), State.ERROR, id="dead pipeline, clock moved ahead"),
        pytest.param(timedelta(hours=6), -timedelta(hours=6), State.OK, id="clock moved back to the data"),
        pytest.param(timedelta(hours=7), -timedelta(hours=6), State.ERROR, id="clock moved back, dead then"),
    ],
)
def test_age_of_the_data_is_judged_by_the_real_clock(
    tmp_path: Path, age: timedelta, at: timedelta | None, state: State
) -> None:
    bench = Bench(tmp_path, alert_of(freshness="FRESHNESS", stale_after="10m"))
    present = NOON + 2 * MINUTE
    bench.warehouse.newest = (present - age).timestamp()
    assert bench.tick(at=None if at is None else present + at).state is state


@pytest.mark.parametrize("newest", [NOON, NOON.replace(tzinfo=None), NOON.timestamp()])
def test_freshness_is_a_moment_in_utc_or_epoch_seconds(tmp_path: Path, newest: Any) -> None:
    bench = Bench(tmp_path, alert_of(freshness="FRESHNESS", stale_after="10m"))
    bench.warehouse.newest = newest
    assert bench.tick().state is State.OK


@pytest.mark.parametrize("newest", [None, "yesterday"])
def test_freshness_without_a_moment_is_an_error(tmp_path: Path, newest: Any) -> None:
    bench = Bench(tmp_path, alert_of(freshness="FRESHNESS", stale_after="10m"))
    bench.warehouse.newest = newest
    assert bench.tick().state is State.ERROR


@pytest.mark.parametrize(
    "error", [WarehouseDownError("The warehouse is down.", "Start it."), RuntimeError("any\nother failure"), OSError()]
)
def test_warehouse_down_is_notified_once_and_recovers_by_itself(bench: Bench, error: Exception) -> None:
    bench.tick("A")
    bench.warehouse.error = error
    assert [bench.tick("A").state for _ in range(3)] == [State.ERROR] * 3
    bench.warehouse.error = None
    back = bench.tick("A")
    assert bench.notified == ["TRIGGERED", "ERROR", "TRIGGERED"]
    assert (back.decision.newly, back.decision.still) == ((), ("A",))


@pytest.mark.parametrize(
    ("refusal", "exit_code"),
    [
        ("[PARSE_SYNTAX_ERROR] Syntax error at or near 'SELEC'.", 2),
        ("Error running query: [UNRESOLVED_COLUMN.WITH_SUGGESTION] nope", 2),
        ("[TABLE_OR_VIEW_NOT_FOUND] silver", 1),
    ],
)
def test_refused_query_is_an_error_that_says_whose_fault_it_is(bench: Bench, refusal: str, exit_code: int) -> None:
    bench.warehouse.error = RuntimeError(refusal)
    evaluation = bench.tick()
    assert evaluation.state is State.ERROR
    assert evaluation.error is not None
    assert evaluation.error.exit_code == exit_code


def test_pending_notification_is_kept_retried_and_recorded_as_delivered(bench: Bench) -> None:
    bench.destinations[0].refusals = 2
    first = bench.tick("A")
    assert (first.waiting, first.row.notified) == (1, False)
    assert first.row.delivery_error == "fake://here did not accept the notification."
    assert bench.tick("A").waiting == 1
    assert bench.tick("A").waiting == 0
    assert bench.notified == ["TRIGGERED"]
    rows = bench.rows
    assert [row["notified"] for row in rows] == [True, False, False]
    assert [row["delivery_error"] for row in rows] == [None, None, None]
    assert rows[0]["notification_id"] == bench.destinations[0].taken[0].id


def test_messages_to_a_destination_that_was_down_arrive_in_order(bench: Bench) -> None:
    bench.destinations[0].refusals = 3
    for hot in (("A",), (), ("B",)):
        bench.tick(*hot)
    bench.tick("B")
    assert bench.notified == ["TRIGGERED", "OK", "TRIGGERED"]


def test_message_that_is_always_refused_does_not_block_the_next_one(bench: Bench) -> None:
    bench.destinations[0].refusals = 9
    bench.tick("A")
    for _ in range(7):
        bench.tick("A")
    bench.tick()
    assert bench.notified == ["OK"]


def test_only_the_destination_that_failed_is_retried(bench: Bench) -> None:
    bench.destinations = [FakeDestination("one"), FakeDestination("two", refusals=1)]
    bench.tick("A")
    bench.tick("A")
    assert [one.attempts for one in bench.destinations] == [1, 2]
    assert [len(one.taken) for one in bench.destinations] == [1, 1]


def test_retry_waits_at_most_a_minute_at_first_and_longer_later(bench: Bench) -> None:
    bench.destinations[0].refusals = 100
    bench.tick("A", retry_at_once=False)
    waits: list[float] = []
    for _ in range(7):
        due = deliver_pending(bench.alert, bench.settings, bench.clock, bench.destinations)
        assert due is not None
        waits.append((due - bench.clock.now()).total_seconds())
        bench.clock.advance(due - bench.clock.now())
    assert waits == [15, 30, 60, 120, 240, 300, 300]


def test_evaluation_before_the_retry_is_due_does_not_send(bench: Bench) -> None:
    bench.destinations[0].refusals = 4
    for _ in range(6):
        bench.clock.advance(-2 * MINUTE)
        bench.tick("A", retry_at_once=False)
    assert bench.destinations[0].attempts == 1


def test_notification_for_a_corrected_address_goes_to_the_new_one(bench: Bench) -> None:
    bench.destinations = [FakeDestination("mistyped", refusals=1)]
    bench.tick("A")
    bench.destinations = [FakeDestination("corrected")]
    bench.tick("A")
    assert bench.notified == ["TRIGGERED"]


def test_muted_alert_is_recorded_and_notifies_when_unmuted(bench: Bench) -> None:
    mute(bench.alert, bench.settings, NOON + timedelta(hours=1))
    assert bench.tick("A").row.notification_id is None
    mute(bench.alert, bench.settings, None)
    bench.tick("A")
    assert bench.notified == ["TRIGGERED"]
    assert len(bench.rows) == 2


def test_state_folder_that_is_lost_is_restored_from_the_history(bench: Bench) -> None:
    bench.tick("A")
    for file in (bench.home / "state" / "alerts").iterdir():
        file.unlink()
    after = bench.tick("A")
    assert (after.previous_state, after.decision.still) == (State.TRIGGERED, ("A",))
    assert bench.notified == ["TRIGGERED"]


def test_state_file_that_is_not_json_is_an_error_with_a_remedy(bench: Bench) -> None:
    bench.tick("A")
    (bench.home / "state" / "alerts" / "hot.json").write_text("{")
    with pytest.raises(EnvironmentFaultError, match="Move it away"):
        bench.tick("A")


@pytest.mark.parametrize(
    "body",
    [
        "{{ 1 // (QUERY_RESULT_ROWS - 2) }}",
        "{{ newly_triggered[5].name }}",
        "{{ newly_triggered.pop.x.y }}",
        "{{ [1][QUERY_RESULT_ROWS] + 1 }}",
        "{{ 'a'.rjust(10 ** (QUERY_RESULT_ROWS * 5)) }}",
    ],
    ids=["division", "index", "attribute", "list", "memory"],
)
def test_template_that_fails_on_a_value_is_an_error_and_still_notifies(tmp_path: Path, body: str) -> None:
    bench = Bench(tmp_path, alert_of(body=body))
    found = bench.tick("A", "B")
    assert (found.state, bench.rows[0]["state"], bench.notified) == (State.ERROR, "ERROR", ["TRIGGERED"])
    assert "body's template fails" in found.row.reason
    said = bench.destinations[0].taken[0].message.body
    assert "body's template fails" in said
    assert "New: A, B" in said
    assert bench.tick("A", "B").message is None


def test_history_that_cannot_be_written_delays_the_row_and_not_the_message(bench: Bench) -> None:
    blocked = bench.home / "smart_factory"
    blocked.parent.mkdir(parents=True)
    blocked.write_text("in the way")
    with pytest.raises(HistoryError):
        bench.tick("A")
    assert bench.notified == ["TRIGGERED"]
    blocked.unlink()
    bench.tick("A")
    assert bench.notified == ["TRIGGERED"]
    assert [(row["state"], row["notified"]) for row in bench.rows] == [("TRIGGERED", True), ("TRIGGERED", False)]


def test_destinations_come_from_the_environment_when_none_are_given(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("SMART_FACTORY_ALERT_URLS", "SMART_FACTORY_ALERT_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    bench.warehouse.hot = ["A"]
    evaluate(bench.alert, bench.warehouse, bench.settings, bench.clock)
    assert "[TRIGGERED] Hot" in capsys.readouterr().out
    assert (bench.home / "state" / "alerts" / "outbox.jsonl").exists()


def test_state_of_an_alert_and_its_outbox_are_their_owners_alone(bench: Bench) -> None:
    outbox = bench.settings.home.alerts.outbox
    outbox.parent.mkdir(parents=True)
    outbox.touch(0o644)
    bench.destinations = [OutboxDestination(outbox, lambda _: None)]  # type: ignore[list-item]
    bench.tick("A")
    beat(bench.settings.home, NOON, {})
    files = [path for path in bench.settings.home.alerts.root.rglob("*") if path.is_file()]
    assert {"outbox.jsonl", "hot.json", "hot.lock", "watch.json"} <= {path.name for path in files}
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in files if path.stat().st_mode & 0o077} == {}
