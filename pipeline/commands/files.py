"""`files`: every file and its state."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

from pipeline.commands.output import count_of, print_json, print_table
from pipeline.commands.target import DEFAULT_PIPELINE, HomeOption, JsonOption, PipelineOption, Target

if TYPE_CHECKING:
    from pipeline.commands.output import Cell
    from pipeline.ingest.file_state import FileRecord

_HEADINGS = (
    "file", "state", "bytes", "rows", "corrupt", "rescued", "modified", "discovered", "committed", "error",
)  # fmt: skip


def files(home: HomeOption = None, pipeline: PipelineOption = DEFAULT_PIPELINE, as_json: JsonOption = False) -> None:
    """List every file with its state, rows and times. The next update reads the files that are `waiting`."""
    from pipeline.ingest.inventory import inventories  # noqa: PLC0415 - imports Arrow

    target = Target.find(home, pipeline)
    found = inventories(target.home, target.settings)
    if as_json:
        print_json([{"table": table, **asdict(record)} for table, records in found.items() for record in records])
        return
    for table, records in found.items():
        states = Counter(record.state for record in records)
        by_state = ", ".join(f"{count} {state}" for state, count in states.items())
        title = f"{table}: {count_of(len(records), 'file')}{f' ({by_state})' if by_state else ''}"
        print_table(title, _HEADINGS, [_row(target.home.landed_name(record.path), record) for record in records])


def _row(name: str, record: FileRecord) -> list[Cell]:
    counts = (record.size_bytes, record.rows, record.corrupt_rows, record.rescued_rows)
    return [name, record.state, *counts, record.modified_at, record.discovered_at, record.committed_at, record.error]
