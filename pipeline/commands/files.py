"""`files`: every file and what became of it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer
from rich.table import Table

from pipeline.commands.options import DEFAULT_PIPELINE, HomeOption, JsonOption, PipelineOption
from pipeline.console import open_console
from pipeline.home import Home
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.ingest.file_state import FileRecord


def files(home: HomeOption = None, pipeline: PipelineOption = DEFAULT_PIPELINE, as_json: JsonOption = False) -> None:
    """List every file with its state, rows and times; `waiting` is what the next update reads."""
    from pipeline.ingest.inventory import inventories  # noqa: PLC0415 - pulls in Arrow

    found = inventories(Home.find(home), load_settings(pipeline))
    if as_json:
        rows = [{"table": table, **asdict(record)} for table, records in found.items() for record in records]
        typer.echo(json.dumps(rows, indent=2, default=str))
        return
    for table, records in found.items():
        open_console().print(_table(table, records))


def _table(name: str, records: list[FileRecord]) -> Table:
    counts = Counter(record.state for record in records)
    states = ", ".join(f"{count} {state}" for state, count in counts.items())
    table = Table(
        title=f"{name}: {len(records)} files{f' ({states})' if states else ''}",
        title_justify="left",
        header_style="bold",
    )
    for heading in ("file", "state"):
        table.add_column(heading, overflow="fold")
    for heading in ("bytes", "rows", "corrupt", "rescued"):
        table.add_column(heading, justify="right")
    for heading in ("modified", "discovered", "committed"):
        table.add_column(heading)
    table.add_column("error", overflow="fold")
    for record in records:
        table.add_row(
            record.path.rsplit("/", 1)[-1],
            record.state,
            f"{record.size_bytes:,}",
            f"{record.rows:,}",
            f"{record.corrupt_rows:,}",
            f"{record.rescued_rows:,}",
            *(_shown(moment) for moment in (record.modified_at, record.discovered_at, record.committed_at)),
            record.error or "",
        )
    return table


def _shown(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else ""
