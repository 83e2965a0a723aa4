"""`maintain`: keeps tables small and fast."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from pipeline.commands.output import print_json, print_table
from pipeline.commands.target import DEFAULT_PIPELINE, HomeOption, JsonOption, PipelineOption, Target
from pipeline.foundation.clock import SystemClock, parse_duration


def maintain(
    home: HomeOption = None,
    pipeline: PipelineOption = DEFAULT_PIPELINE,
    retention: Annotated[str, typer.Option(help="How long to keep replaced files; at least 7d.")] = "7d",
    as_json: JsonOption = False,
) -> None:
    """Compact small files and delete files that no recent version needs. No row changes."""
    from pipeline.rework import maintenance  # noqa: PLC0415 - imports Arrow

    target = Target.find(home, pipeline, to_write=True)
    done = maintenance.maintain(target.home, target.settings, SystemClock(), parse_duration(retention))
    if as_json:
        print_json([asdict(one) for one in done])
    else:
        print_table(
            "Maintenance",
            ("table", "files compacted", "into", "files deleted", "remarks"),
            ([one.table, one.removed_files, one.added_files, one.deleted_files, one.error] for one in done),
        )
    if any(one.error for one in done):
        raise typer.Exit(1)
