"""An alert's state on disk."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from alerts.decide import Memory
from alerts.ledger import Ledger, LedgerFile
from alerts.model import State
from pipeline.home.places import Home
from tests.alerts.doubles import NOON

if TYPE_CHECKING:
    from pathlib import Path

MEMORY = Memory(State.OK, State.TRIGGERED, ("A", "B"), {"A": NOON, "B": NOON}, {}, NOON)


def test_ledger_that_was_saved_is_loaded(tmp_path: Path) -> None:
    file = LedgerFile(Home(tmp_path), "hot")
    assert file.load() is None
    file.save(Ledger(memory=MEMORY))
    assert file.load() == Ledger(memory=MEMORY)


@pytest.mark.parametrize("key", ["notified_at", "told_at"])
@pytest.mark.parametrize("state", ["OK", "TRIGGERED"])
@pytest.mark.parametrize("rows", [["A", "B"], []])
def test_ledger_of_an_older_version_is_loaded(tmp_path: Path, key: str, state: str, rows: list[str]) -> None:
    moment = NOON.isoformat()
    memory = {
        "state": state,
        "told_state": "TRIGGERED",
        "told_rows": rows,
        key: moment,
        "muted_until": moment,
    }
    path = Home(tmp_path).alerts.ledger("hot")
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"memory": memory, "pending": [], "unrecorded": []}))
    times = dict.fromkeys(rows or [""], NOON)
    since = times if state == "TRIGGERED" else {}
    expected = Memory(State(state), State.TRIGGERED, tuple(rows), times, since, NOON)
    assert LedgerFile(Home(tmp_path), "hot").load() == Ledger(memory=expected)
