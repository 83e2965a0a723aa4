"""Intents as files: what is written is what the next update reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.foundation.errors import DamagedStateError
from pipeline.home.intents import IntentFile
from pipeline.rework.intents import FullRefreshIntent, Intent, ReplayIntent, ReprocessIntent

if TYPE_CHECKING:
    from pathlib import Path

FORMS: list[tuple[Intent, dict[str, Any]]] = [
    (FullRefreshIntent(id="i", flows={"bronze": "f"}), {"id": "i", "flows": {"bronze": "f"}}),
    (
        ReprocessIntent(id="i", table="bronze", paths=["landing/a.json"], version=3, flow_id="f"),
        {"id": "i", "table": "bronze", "paths": ["landing/a.json"], "version": 3, "flow_id": "f"},
    ),
    (
        ReplayIntent(id="i", quarantine="q", version=3, record_ids=["r"], rules=[], corrections="state/c.csv"),
        {
            "id": "i",
            "quarantine": "q",
            "version": 3,
            "record_ids": ["r"],
            "rules": [],
            "corrections": "state/c.csv",
            "anew": [],
        },
    ),
]


@pytest.mark.parametrize(("intent", "form"), FORMS, ids=[type(intent).__name__ for intent, _ in FORMS])
def test_intent_has_one_form_on_disk_and_is_read_back_as_it_was(
    tmp_path: Path, intent: Intent, form: dict[str, Any]
) -> None:
    file = tmp_path / "state" / "intent.json"
    assert type(intent).begun_in(IntentFile(file)) is None
    intent.write_to(IntentFile(file))
    assert json.loads(file.read_text(encoding="utf-8")) == form
    assert type(intent).begun_in(IntentFile(file)) == intent


def test_intents_have_identities_of_their_own() -> None:
    assert FullRefreshIntent(flows={}).id != FullRefreshIntent(flows={}).id


def test_intent_that_cannot_be_read_is_damaged_state(tmp_path: Path) -> None:
    (tmp_path / "intent.json").write_text("{", encoding="utf-8")
    with pytest.raises(DamagedStateError):
        FullRefreshIntent.begun_in(IntentFile(tmp_path / "intent.json"))
