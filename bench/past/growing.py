"""Writes the past of a home: what updates would have left, in the tables, the state and the landing zone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from deltalake import DeltaTable

from bench.past.past import TABLE, land_files, moment_of
from bench.past.position import write_position
from bench.past.template import Template
from pipeline.delta import state_table
from pipeline.delta.snapshot import Snapshot
from pipeline.events.event import SCHEMA as EVENTS
from pipeline.ingest.file_state import SCHEMA as FILES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bench.past.past import Past
    from pipeline.home.places import Home

# About as many rows as compaction leaves in one file.
_ROWS_A_FILE = {"files": 60_000, "events": 60_000, "table": 1_000_000}


def grow(home: Home, schema: str, past: Past) -> None:
    """Write a past into a home whose newest update has read as many files as each of those to come.

    Older updates are written in bulk, the newest ones commit by commit.
    """
    template = Template.newest_of(home, schema, past)
    first = template.update + 1
    single = max(first, past.updates - past.single_commits)
    for update in range(first, past.updates):
        numbers = past.numbers_of(update)
        standing = range(max(numbers.start, past.first_standing), numbers.stop)
        land_files(home, standing, moment_of(update))
    places = home.table(schema, TABLE)
    event_log = home.schema(schema).event_log
    _in_bulk(places.data, range(first, single), template.rows_of, "table", None, template)
    _in_bulk(places.file_state, range(first, single), template.files_of, "files", FILES, None)
    _in_bulk(event_log, range(first, single), template.events_of, "events", EVENTS, None)
    for update in range(single, past.updates):
        snapshot = Snapshot.opened(places.data)
        snapshot.append(_table(template.rows_of(update), _columns(snapshot)), template.batch(update))
        sequence = Snapshot.opened(places.file_state).version + 1
        records = [{**record, "sequence": sequence} for record in template.files_of(update)]
        state_table.append(places.file_state, _table(records, FILES))
        events = template.events_of(update)
        # An update writes its events when its batch is done, and when it ends.
        done = next(place for place, event in enumerate(events) if event["level"] == "METRICS") + 1
        for part in (events[:done], events[done:]):
            state_table.append(event_log, _table(part, EVENTS))
    write_position(template, schema)


def _in_bulk(
    path: Path,
    updates: range,
    rows_of: Callable[[int], list[dict[str, Any]]],
    kind: str,
    schema: pa.Schema | None,
    template: Template | None,
) -> None:
    """Append the rows of many updates as compaction leaves them, and a commit without rows for each update."""
    if not updates:
        return
    columns = schema or _columns(Snapshot.opened(path))
    version = Snapshot.opened(path).version
    for rows in _pieces(updates, rows_of, _ROWS_A_FILE[kind]):
        numbered = [{**row, "sequence": version + 1} for row in rows] if kind == "files" else rows
        state_table.append(path, _table(numbered, columns))
    version = Snapshot.opened(path).version
    for update in updates:
        version += 1
        _write_commit(path, version, update, template)
    DeltaTable(path).create_checkpoint()


def _pieces(
    updates: range, rows_of: Callable[[int], list[dict[str, Any]]], most: int
) -> Iterator[list[dict[str, Any]]]:
    rows: list[dict[str, Any]] = []
    for update in updates:
        rows += rows_of(update)
        if len(rows) >= most:
            yield rows
            rows = []
    if rows:
        yield rows


def _write_commit(path: Path, version: int, update: int, template: Template | None) -> None:
    milliseconds = int(moment_of(update).timestamp() * 1000)
    info: dict[str, Any] = {"timestamp": milliseconds, "operation": "WRITE", "operationParameters": {"mode": "Append"}}
    actions: list[dict[str, Any]] = [{"commitInfo": info}]
    if template is not None:
        batch = template.batch(update)
        info["userMetadata"] = batch.note()
        actions.append({"txn": {"appId": batch.flow_id, "version": batch.batch_id}})
    text = "\n".join(json.dumps(action) for action in actions) + "\n"
    (path / "_delta_log" / f"{version:020}.json").write_text(text, encoding="utf-8")


def _columns(snapshot: Snapshot) -> pa.Schema:
    assert snapshot.log is not None
    return pa.schema(snapshot.log.schema().to_arrow())


def _table(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=schema)
