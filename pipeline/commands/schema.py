"""`schema`: the versions of what files bring, and the way back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from pipeline.clock import SystemClock
from pipeline.commands.options import DEFAULT_PIPELINE, HomeOption, JsonOption, PipelineOption
from pipeline.console import open_console
from pipeline.errors import AuthorError, UnknownNameError
from pipeline.home import Home
from pipeline.ingest.schema_log import SchemaLog
from pipeline.lock import exclusive
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.ingest.schema_log import SchemaVersion
    from pipeline.settings import Settings

schema_app = typer.Typer(add_completion=False)


@schema_app.callback(invoke_without_command=True)
def schema(
    context: typer.Context,
    home: HomeOption = None,
    pipeline: PipelineOption = DEFAULT_PIPELINE,
    as_json: JsonOption = False,
) -> None:
    """Show the versions of each schema: what changed, when, and which file brought it. `revert` goes back."""
    if context.invoked_subcommand:
        context.obj = (home, pipeline)
        return
    logs = _logs(Home.find(home), load_settings(pipeline))
    found = {table: _with_differences(log.versions()) for table, log in logs.items()}
    if as_json:
        typer.echo(json.dumps([{"table": table, **fact} for table, facts in found.items() for fact in facts], indent=2))
        return
    for table, facts in found.items():
        open_console().print(_table(table, facts))


@schema_app.command()
def revert(
    context: typer.Context,
    home: HomeOption = None,
    pipeline: PipelineOption = DEFAULT_PIPELINE,
    table: Annotated[str | None, typer.Option(help="The table, where several read files.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Take the newest columns that files brought back; new values go to `_rescued_data` from the next update on."""
    outer_home, outer_pipeline = context.obj
    settings = load_settings(pipeline if pipeline != DEFAULT_PIPELINE else outer_pipeline)
    place = Home.find(home or outer_home)
    logs = _logs(place, settings)
    name = _chosen(table, logs)
    if not yes:
        typer.confirm(f"New values of the newest columns of `{name}` will go to _rescued_data. Go on?", abort=True)
    clock = SystemClock()
    place.make_writable()
    with exclusive(place, clock, "schema revert"):
        before = logs[name].latest()
        after = logs[name].revert(clock.now())
    if before is None or after is None:
        problem = f"There is nothing to revert: no column of `{name}` came from a file."
        raise AuthorError(problem, "`python -m pipeline schema` shows what is in force.")
    gone = ", ".join(f"`{key}`" for key in after.held_back if key not in before.held_back)
    typer.echo(f"{name} is at version {after.version}, without {gone}; new values go to _rescued_data.")
    typer.echo("What tables hold stays. To take a column in again, name it in schema_hints.")


def _logs(home: Home, settings: Settings) -> dict[str, SchemaLog]:
    from pipeline.ingest.inventory import file_sources  # noqa: PLC0415 - runs the declarations

    folder: Path = home.state / "schema_log" / settings.target_schema
    return {dataset.name: SchemaLog(folder / dataset.name) for dataset, _ in file_sources(settings)}


def _chosen(table: str | None, logs: dict[str, SchemaLog]) -> str:
    if table is None and len(logs) == 1:
        return next(iter(logs))
    if table is None:
        problem = f"Several tables read files: {', '.join(logs)}."
        raise AuthorError(problem, "Name one with --table.")
    if table not in logs:
        raise UnknownNameError("table that reads files", table, logs, "schema revert")
    return table


def _with_differences(versions: list[SchemaVersion]) -> list[dict[str, Any]]:
    facts = []
    before: set[str] = set()
    for version in versions:
        types = {column.name: column.type for column in version.columns}
        facts.append({
            "version": version.version,
            "created_at": version.created_at.isoformat(),
            "columns": [{"name": name, "type": column_type} for name, column_type in types.items()],
            "added": [
                {"name": name, "type": types[name], "brought_by": version.added.get(name)}
                for name in types
                if name not in before
            ],
            "removed": sorted(before - set(types)),
            "held_back": list(version.held_back),
        })  # fmt: skip
        before = set(types)
    return facts


def _table(name: str, facts: list[dict[str, Any]]) -> Table:
    table = Table(title=f"{name}: {len(facts)} versions", title_justify="left", header_style="bold")
    table.add_column("version", justify="right")
    for heading in ("since", "change", "brought by"):
        table.add_column(heading, overflow="fold")
    for fact in facts:
        since = fact["created_at"][:19].replace("T", " ")
        for column in fact["added"]:
            table.add_row(str(fact["version"]), since, f"+ {column['name']} {column['type']}", column["brought_by"])
        for column in fact["removed"]:
            table.add_row(str(fact["version"]), since, f"- {column}", "schema revert")
    return table
