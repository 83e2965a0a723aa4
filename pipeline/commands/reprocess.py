"""`reprocess`: removes files' rows from every table and reads the files again."""

from __future__ import annotations

import os
from datetime import datetime  # noqa: TC003 - Typer reads the annotations
from typing import Annotated

import typer

from pipeline.commands.target import DEFAULT_PIPELINE, HomeOption, JsonOption, PipelineOption, Target, moment
from pipeline.foundation.errors import AuthorError
from pipeline.selection import Selection

_REMEDY = "`python -m pipeline files` lists the files that were read."


def reprocess(
    home: HomeOption = None,
    pipeline: PipelineOption = DEFAULT_PIPELINE,
    file: Annotated[list[str] | None, typer.Option(help="A file's name or path; repeat for several.")] = None,
    since: Annotated[
        datetime | None,
        typer.Option(parser=moment, help="Every file committed since this time, or a duration before now, as -6h."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run an update that removes files' rows from every table and reads the files again."""
    if not file and since is None:
        problem = "There is nothing to reprocess: neither --file nor --since was given."
        raise AuthorError(problem, _REMEDY)
    target = Target.find(home, pipeline)
    paths = _paths(target, file or [])
    target.home.make_writable()
    from pipeline.commands.modes import Modes  # noqa: PLC0415 - imports Spark

    Modes(target, as_json=as_json).once(Selection(reprocess_files=paths, reprocess_since=since))


def _paths(target: Target, names: list[str]) -> tuple[str, ...]:
    """Return what was given as a name or a full path.

    Raises:
        AuthorError: No table has read a file of such a name or path.
    """
    from pipeline.ingest.inventory import inventories  # noqa: PLC0415 - imports Arrow

    records = [record for found in inventories(target.home, target.settings).values() for record in found]
    read = {record.path for record in records if record.state not in {"waiting", "ignored"}}
    read |= {path.rsplit("/", 1)[-1] for path in read} | {target.home.landed_name(path) for path in read}
    paths = tuple(name if name in read else os.path.abspath(name) for name in names)  # noqa: PTH100 - as text
    unknown = [name for name, path in zip(names, paths, strict=True) if path not in read]
    if unknown:
        problem = f"No table has read these files: {', '.join(unknown)}."
        raise AuthorError(problem, _REMEDY)
    return paths
