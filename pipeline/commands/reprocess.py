"""`reprocess`: files taken out of every table and in again."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from pipeline.clock import SystemClock, parse_moment
from pipeline.commands.options import DEFAULT_PIPELINE, HomeOption, JsonOption, PipelineOption
from pipeline.commands.run import perform
from pipeline.errors import AuthorError
from pipeline.home import Home
from pipeline.selection import Selection
from pipeline.settings import load_settings


def reprocess(
    home: HomeOption = None,
    pipeline: PipelineOption = DEFAULT_PIPELINE,
    file: Annotated[
        list[str] | None, typer.Option(help="A file's name or path; give the option again for more.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Every file committed at or after this time; or -6h for six hours ago.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run an update that takes files' rows out of every table and reads the files again."""
    if not file and since is None:
        problem = "There is nothing to reprocess: neither --file nor --since was given."
        raise AuthorError(problem, "`python -m pipeline files` lists what was read.")
    settings = load_settings(pipeline)
    place = Home.find(home)
    from pipeline.ingest.inventory import inventories  # noqa: PLC0415 - pulls in Arrow

    read = {
        record.path
        for records in inventories(place, settings).values()
        for record in records
        if record.state != "waiting"
    }
    names = read | {path.rsplit("/", 1)[-1] for path in read}
    wanted = [name if name in names else os.path.abspath(name) for name in file or ()]  # noqa: PTH100 - as text
    unknown = [given for given, name in zip(file or (), wanted, strict=True) if name not in names]
    if unknown:
        problem = f"No table has read these files: {', '.join(unknown)}."
        raise AuthorError(problem, "`python -m pipeline files` lists what was read.")
    moment = parse_moment(since, SystemClock().now()) if since is not None else None
    place.make_writable()
    perform(place, settings, Selection(reprocess_files=tuple(wanted), reprocess_since=moment), as_json=as_json)
