"""The builder of homes with a long past: what it writes is what as many updates would have left."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from bench.past.growing import grow
from bench.past.past import FOLDER, TABLE, Past, land_files, moment_of, write_pipeline
from pipeline.checkpoint.position import Position
from pipeline.delta.table import Table
from pipeline.foundation.clock import FixedClock
from pipeline.ingest.file_state import FileState

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.home.places import Home
    from tests.conftest import TestLakehouse

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_DIGITS = re.compile(r"[0-9a-f]{16}-")
_SCHEMA = "past"


def _updated(lakehouse: TestLakehouse, updates: range, past: Past) -> None:
    for update in updates:
        lakehouse.clock = FixedClock(moment_of(update))
        land_files(lakehouse.home, past.numbers_of(update), moment_of(update))
        assert lakehouse.update().state == "COMPLETED"


def _rows(path: Path, by: str, home: Path) -> list[dict[str, Any]]:
    return [
        {name: _plain(value, home) for name, value in row.items()} for row in Table(path).rows().sort_by(by).to_pylist()
    ]


def _plain(value: Any, home: Path) -> Any:
    """Return a value without what differs from run to run: identities, the home's folder, how long things took."""
    if isinstance(value, dict):
        return {name: _plain(each, home) for name, each in value.items()}
    if not isinstance(value, str):
        return value
    if value.startswith('{"stream_progress"'):
        progress = json.loads(json.loads(value)["stream_progress"]["progress_json"])
        ends = [(source["startOffset"], source["endOffset"]) for source in progress["sources"]]
        return progress["batchId"], ends, sorted(progress)
    if value.startswith("{"):
        value = re.sub(r'"(num_output_bytes|executor_\w+|duration_ms)": \d+', r'"\1": 0', value)
    text = _ID.sub("ID", value.replace(str(home), "HOME"))
    return re.sub(r"\d+ ms|[0-9a-f]{8}(?= (started|is ))", "…", _DIGITS.sub("DIGITS-", text))


def _names(home: Path) -> Counter[str]:
    """Return how many files have each name, without what differs from run to run and what nobody reads."""
    files = [str(file.relative_to(home)) for file in home.rglob("*") if file.is_file()]
    kept = [name for name in files if not name.endswith(".crc") and "/scratch/" not in name]
    # Of checkpoints and joined entries the newest is read.
    kept = [
        name for name in kept if "checkpoint.parquet" not in name and not re.search(r"sources/0/\d+(\.compact)?$", name)
    ]
    return Counter(_ID.sub("ID", name) for name in kept if "event_log" not in name and ".parquet" not in name)


def _content(home: Home) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of a home's tables, without the time that only the operating system sets."""
    places = home.table(_SCHEMA, TABLE)
    files = _rows(places.file_state, "path", home.root)
    return {
        "table": _rows(places.data, "source_file", home.root),
        "files": [{**row, "status_changed_at": None, "sequence": None} for row in files],
        "events": _rows(home.schema(_SCHEMA).event_log, "sequence", home.root),
    }


@pytest.mark.spark
@pytest.mark.slow
def test_built_home_of_200_updates_equals_one_of_200_real_updates(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    past = Past(200, files_an_update=2)
    real = replace(lakehouse, settings_file=write_pipeline(tmp_path))
    _updated(real, range(200), past)
    single, bulk = real.beside("single"), real.beside("bulk")
    for built, commits in ((single, 200), (bulk, 20)):
        _updated(built, range(2), past)
        grow(built.home, _SCHEMA, replace(past, single_commits=commits))
        assert _content(built.home) == _content(real.home)
    assert _names(single.home.root) == _names(real.home.root)
    for each in (real, single, bulk):
        _updated(each, range(200, 201), past)
    assert _content(single.home) == _content(bulk.home) == _content(real.home)


@pytest.mark.spark
@pytest.mark.slow
def test_built_home_of_which_half_the_files_stand_finds_only_the_new_one(
    lakehouse: TestLakehouse, tmp_path: Path
) -> None:
    past = Past(500, files_an_update=3, standing=0.5, single_commits=50)
    aged = replace(lakehouse, settings_file=write_pipeline(tmp_path))
    _updated(aged, range(2), past)
    grow(aged.home, _SCHEMA, past)
    assert len(list((aged.home.landing / FOLDER).iterdir())) == 750 + 6
    places = aged.home.table(_SCHEMA, TABLE)
    assert len(FileState(places.file_state).current()) == past.files == 1500
    aged.clock = FixedClock(moment_of(500))
    land_files(aged.home, range(1500, 1501), moment_of(500))
    assert aged.update().state == "COMPLETED"
    assert Table(places.data).row_count() == 1501
    assert Position(places.checkpoints).done_batch() == 500
