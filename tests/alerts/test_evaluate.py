"""One tick: evaluated, recorded, delivered, and taken up again after a failure at any point."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from deltalake import DeltaTable

from alerts.evaluate import Evaluation, deliver_waiting, evaluate, mute
from alerts.history import SCHEMA, History, HistoryError
from alerts.ledger import LedgerFile
from alerts.model import Alert, State
from alerts.warehouse import WarehouseDownError
from pipeline.arrow import arrow_dataset
from pipeline.clock import FixedClock
from pipeline.errors import EnvironmentFaultError
from tests.alerts.doubles import NOON, FakeDestination, FakeWarehouse, alert_of

if TYPE_CHECKING:
    from pathlib import Path

MINUTE = timedelta(minutes=1)


class Bench:
    """An alert with everything around it under a test's control."""

    def __init__(self, home: Path, alert: Alert) -> None:
        self.home = home
        self.alert = alert
        self.clock = FixedClock(NOON)
        self.warehouse = FakeWarehouse()
        self.destinations = [FakeDestination()]

    def tick(self, *hot: str, **options: Any) -> Evaluation:
        self.clock.advance(2 * MINUTE)
        self.warehouse.hot = hot
        return evaluate(self.alert, self.warehouse, self.home, self.clock, destinations=self.destinations, **options)

    @property
    def told(self) -> list[str]:
        return [subject.split("]")[0][1:] for subject in self.destinations[0].subjects]

    @property
    def rows(self) -> list[dict[str, Any]]:
        table = arrow_dataset(DeltaTable(self.home / "smart_factory" / "alert_evaluations")).to_table()
        return sorted(table.to_pylist(), key=lambda row: row["evaluated_at"])


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "a home", alert_of())


def test_calm_hot_calm_is_told_twice_and_recorded_thrice(bench: Bench) -> None:
    states = [bench.tick(*hot).state for hot in ((), ("A", "B"), ())]
    assert states == [State.OK, State.TRIGGERED, State.OK]
    assert bench.told == ["TRIGGERED", "OK"]
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


def test_table_needs_no_feature_that_locks_other_clients_out(bench: Bench) -> None:
    bench.tick()
    protocol = DeltaTable(bench.home / "smart_factory" / "alert_evaluations").protocol()
    assert (protocol.min_reader_version, protocol.min_writer_version) == (1, 2)


def test_clock_moved_by_hand_moves_the_query_and_not_the_record(bench: Bench) -> None:
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
def test_warehouse_down_is_told_once_and_recovers_by_itself(bench: Bench, error: Exception) -> None:
    bench.tick("A")
    bench.warehouse.error = error
    assert [bench.tick("A").state for _ in range(3)] == [State.ERROR] * 3
    bench.warehouse.error = None
    back = bench.tick("A")
    assert bench.told == ["TRIGGERED", "ERROR", "TRIGGERED"]
    assert (back.decision.newly, back.decision.still) == ((), ("A",))


@pytest.mark.parametrize(
    ("refusal", "exit_code"),
    [
        ("[PARSE_SYNTAX_ERROR] Syntax error at or near 'SELEC'.", 2),
        ("Error running query: [UNRESOLVED_COLUMN.WITH_SUGGESTION] nope", 2),
        ("[TABLE_OR_VIEW_NOT_FOUND] silver", 1),
    ],
)
def test_query_that_is_refused_is_an_error_with_the_fault_told_apart(
    bench: Bench, refusal: str, exit_code: int
) -> None:
    bench.warehouse.error = RuntimeError(refusal)
    evaluation = bench.tick()
    assert evaluation.state is State.ERROR
    assert evaluation.error is not None
    assert evaluation.error.exit_code == exit_code


def test_undelivered_notification_is_kept_tried_again_and_recorded_as_delivered(bench: Bench) -> None:
    bench.destinations[0].refusals = 2
    first = bench.tick("A")
    assert (first.waiting, first.row.notified) == (1, False)
    assert first.row.delivery_error == "fake://here did not take the notification."
    assert bench.tick("A").waiting == 1
    assert bench.tick("A").waiting == 0
    assert bench.told == ["TRIGGERED"]
    rows = bench.rows
    assert [row["notified"] for row in rows] == [True, False, False]
    assert [row["delivery_error"] for row in rows] == [None, None, None]
    assert rows[0]["notification_id"] == bench.destinations[0].taken[0].id


def test_messages_to_a_destination_that_was_down_arrive_in_order(bench: Bench) -> None:
    bench.destinations[0].refusals = 3
    for hot in (("A",), (), ("B",)):
        bench.tick(*hot)
    bench.tick("B")
    assert bench.told == ["TRIGGERED", "OK", "TRIGGERED"]


def test_message_refused_for_good_does_not_hold_back_the_next_for_ever(bench: Bench) -> None:
    bench.destinations[0].refusals = 9
    bench.tick("A")
    for _ in range(7):
        bench.tick("A")
    bench.tick()
    assert bench.told == ["OK"]


def test_only_the_destination_that_failed_is_tried_again(bench: Bench) -> None:
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
        due = deliver_waiting(bench.alert, bench.home, bench.clock, bench.destinations)
        assert due is not None
        waits.append((due - bench.clock.now()).total_seconds())
        bench.clock.advance(due - bench.clock.now())
    assert waits == [15, 30, 60, 120, 240, 300, 300]


def test_evaluation_before_the_retry_is_due_does_not_try(bench: Bench) -> None:
    bench.destinations[0].refusals = 4
    for _ in range(6):
        bench.clock.advance(-2 * MINUTE)
        bench.tick("A", retry_at_once=False)
    assert bench.destinations[0].attempts == 1


def test_notification_for_an_address_that_was_corrected_goes_to_the_new_one(bench: Bench) -> None:
    bench.destinations = [FakeDestination("mistyped", refusals=1)]
    bench.tick("A")
    bench.destinations = [FakeDestination("corrected")]
    bench.tick("A")
    assert bench.told == ["TRIGGERED"]


def test_muted_alert_is_recorded_and_told_when_unmuted(bench: Bench) -> None:
    mute(bench.alert, bench.home, NOON + timedelta(hours=1))
    assert bench.tick("A").row.notification_id is None
    mute(bench.alert, bench.home, None)
    bench.tick("A")
    assert bench.told == ["TRIGGERED"]
    assert len(bench.rows) == 2


def test_state_folder_that_is_lost_is_restored_from_the_history(bench: Bench) -> None:
    bench.tick("A")
    for file in (bench.home / "state" / "alerts").iterdir():
        file.unlink()
    after = bench.tick("A")
    assert (after.previous_state, after.decision.still) == (State.TRIGGERED, ("A",))
    assert bench.told == ["TRIGGERED"]


def test_state_file_that_is_no_json_is_an_error_with_a_way_out(bench: Bench) -> None:
    bench.tick("A")
    (bench.home / "state" / "alerts" / "hot.json").write_text("{")
    with pytest.raises(EnvironmentFaultError, match="Move it away"):
        bench.tick("A")


def test_template_that_fails_on_a_value_still_tells(tmp_path: Path) -> None:
    bench = Bench(tmp_path, alert_of(body="{{ 1 // (QUERY_RESULT_ROWS - 2) }}"))
    bench.tick("A", "B")
    assert bench.told == ["TRIGGERED"]
    assert "body's template fails" in bench.destinations[0].taken[0].message.body


def test_history_that_cannot_be_written_delays_the_row_and_not_the_message(bench: Bench) -> None:
    blocked = bench.home / "smart_factory"
    blocked.parent.mkdir(parents=True)
    blocked.write_text("in the way")
    with pytest.raises(HistoryError):
        bench.tick("A")
    assert bench.told == ["TRIGGERED"]
    blocked.unlink()
    bench.tick("A")
    assert bench.told == ["TRIGGERED"]
    assert [(row["state"], row["notified"]) for row in bench.rows] == [("TRIGGERED", True), ("TRIGGERED", False)]


class KilledError(BaseException):
    """Stands for SIGKILL between two steps."""


@pytest.mark.parametrize("step", range(1, 5))
def test_tick_killed_after_any_save_loses_and_repeats_no_row(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    saves = 0
    save = LedgerFile.save

    def save_and_die(self: LedgerFile, ledger: Any) -> None:
        nonlocal saves
        save(self, ledger)
        saves += 1
        if saves == step:
            raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(LedgerFile, "save", save_and_die)
        try:
            bench.tick("A")
        except KilledError:
            assert step <= 3
    bench.tick("A")
    rows = bench.rows
    assert len(rows) == 2
    assert bench.told == ["TRIGGERED"]
    assert (rows[0]["notified"], rows[0]["notification_id"]) == (True, bench.destinations[0].taken[0].id)


def test_tick_killed_between_the_row_and_the_save_records_it_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = History.append

    def append_and_die(self: History, row: Any) -> None:
        append(self, row)
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(History, "append", append_and_die)
        with pytest.raises(KilledError):
            bench.tick("A")
    bench.tick("A")
    assert [row["state"] for row in bench.rows] == ["TRIGGERED", "TRIGGERED"]
    assert bench.told == ["TRIGGERED"]


def test_message_whose_reply_was_lost_is_repeated_under_the_same_id(bench: Bench) -> None:
    class LosesTheFirstReply(FakeDestination):
        def send(self, notification: Any) -> None:
            self.taken.append(notification)
            super().send(notification)
            self.taken.pop()

    bench.destinations = [LosesTheFirstReply(refusals=1)]
    bench.tick("A")
    bench.tick("A")
    ids = [one.id for one in bench.destinations[0].taken]
    assert len(ids) == 2
    assert len(set(ids)) == 1


def test_destinations_come_from_the_environment_when_none_are_given(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("SMART_FACTORY_ALERT_URLS", "SMART_FACTORY_ALERT_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    bench.warehouse.hot = ["A"]
    evaluate(bench.alert, bench.warehouse, bench.home, bench.clock)
    assert "[TRIGGERED] Hot" in capsys.readouterr().out
    assert (bench.home / "state" / "alerts" / "outbox.jsonl").exists()
