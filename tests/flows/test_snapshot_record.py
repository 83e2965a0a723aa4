"""The record of snapshots: each version is taken once, wherever a kill comes between."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.flows.snapshot_record import SnapshotRecord, Taken
from pipeline.foundation.errors import DamagedStateError

if TYPE_CHECKING:
    from pathlib import Path

VERSIONS = [
    3, 2.5, "2026-03", date(2026, 3, 1), datetime(2026, 3, 1, 12, tzinfo=UTC), datetime(2026, 3, 1, 12, 0, 0, 1),  # noqa: DTZ001
]  # fmt: skip


@pytest.fixture
def record(tmp_path: Path) -> SnapshotRecord:
    return SnapshotRecord(tmp_path / "flow" / "snapshots.json", "registry")


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_version_comes_back_as_it_was(record: SnapshotRecord, version: Any) -> None:
    assert record.newest(-1) is None
    record.finish(Taken(0, version), {"keys": ["id"]})
    found = record.newest(0)
    assert found == Taken(0, version)
    assert found is not None
    assert type(found.version) is type(version)
    assert record.shape() == {"keys": ["id"]}


def test_planned_snapshot_is_taken_once_its_commit_is_there(record: SnapshotRecord) -> None:
    record.finish(Taken(0, 10), {})
    record.plan(Taken(1, 20), Taken(0, 10), {})
    assert record.newest(0) == Taken(0, 10)
    assert record.newest(1) == Taken(1, 20)


def test_snapshot_without_a_commit_is_taken_when_it_is_finished(record: SnapshotRecord) -> None:
    record.plan(Taken(0, 10), None, {})
    assert record.newest(-1) is None
    record.finish(Taken(0, 10), {})
    assert record.newest(-1) == Taken(0, 10)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"done": {"batch": 1}}', '{"done": {"batch": 1, "type": "x", "version": 1}}']
)
def test_damaged_record_is_reported_with_its_remedy(record: SnapshotRecord, text: str) -> None:
    record.file.parent.mkdir()
    record.file.write_text(text, encoding="utf-8")
    with pytest.raises(DamagedStateError, match="Which snapshots `registry` has taken cannot be read") as raised:
        record.newest(0)
    assert "--full-refresh registry" in raised.value.remedy
