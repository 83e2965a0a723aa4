"""Evaluations resumed after a kill between any two steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from alerts.history import History
from alerts.ledger import LedgerFile
from tests.alerts.bench import Bench
from tests.alerts.doubles import FakeDestination, alert_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "a home", alert_of())


class KilledError(BaseException):
    """Simulates SIGKILL between two steps."""


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
    assert bench.notified == ["TRIGGERED"]
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
    assert bench.notified == ["TRIGGERED"]


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
