"""`schema`: the schema versions of tables that read files, and their revert."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.commands.output import count_of, print_json, print_table
from pipeline.commands.target import (
    DEFAULT_PIPELINE,
    HomeOption,
    JsonOption,
    PipelineOption,
    Target,
    YesOption,
    the_one,
)
from pipeline.foundation.clock import SystemClock
from pipeline.foundation.errors import AuthorError
from pipeline.foundation.shown import say
from pipeline.ingest.schema_log import SchemaLog
from pipeline.rework.migration import writing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.commands.output import Cell

schema_app = typer.Typer(add_completion=False)


@schema_app.callback(invoke_without_command=True)
def schema(
    context: typer.Context,
    home: HomeOption = None,
    pipeline: PipelineOption = DEFAULT_PIPELINE,
    as_json: JsonOption = False,
) -> None:
    """Show the versions of each schema: what changed, when, and which file brought the change."""
    if context.invoked_subcommand:
        context.obj = (home, pipeline)
        return
    logs = _logs(Target.find(home, pipeline))
    found = {table: log.differences() for table, log in logs.items()}
    if as_json:
        print_json([{"table": table, **fact} for table, facts in found.items() for fact in facts])
        return
    for table, facts in found.items():
        title = f"{table}: {count_of(len(facts), 'version')}"
        print_table(title, ("version", "since", "change", "brought by"), _rows(facts))


@schema_app.command()
def revert(
    context: typer.Context,
    home: HomeOption = None,
    pipeline: PipelineOption = DEFAULT_PIPELINE,
    table: Annotated[str | None, typer.Option(help="The table, if several tables read files.")] = None,
    yes: YesOption = False,
) -> None:
    """Undo the newest columns that files added. From the next update on, their values go to `_rescued_data`."""
    outer_home, outer_pipeline = context.obj
    target = Target.find(home or outer_home, pipeline if pipeline != DEFAULT_PIPELINE else outer_pipeline)
    logs = _logs(target)
    name = the_one("schema log", table, logs, target.settings.source)
    if not yes:
        typer.confirm(f"New values of the newest columns of `{name}` will go to _rescued_data. Continue?", abort=True)
    clock = SystemClock()
    target.home.make_writable()
    with writing(target.home, clock, "schema revert"):
        before = logs[name].latest()
        after = logs[name].revert(clock.now())
    if before is None or after is None:
        problem = f"There is nothing to revert: no column of `{name}` came from a file."
        raise AuthorError(problem, "`python -m pipeline schema` shows the schema in force.")
    gone = ", ".join(f"`{key}`" for key in after.held_back if key not in before.held_back)
    say(f"{name} is at version {after.version}, without {gone}; new values go to _rescued_data.")
    say("Existing rows keep their values. To add a column again, name it in schema_hints.")


def _logs(target: Target) -> dict[str, SchemaLog]:
    from pipeline.ingest.declarations import file_sources  # noqa: PLC0415 - runs the declarations

    names = [name for name, _ in file_sources(target.home, target.settings)]
    return {name: SchemaLog(target.schema.table(name).schema_log) for name in names}


def _rows(facts: list[dict[str, Any]]) -> Iterator[list[Cell]]:
    for fact in facts:
        since = fact["created_at"][:19].replace("T", " ")
        for column in fact["added"]:
            yield [fact["version"], since, f"+ {column['name']} {column['type']}", column["brought_by"]]
        for column in fact["removed"]:
            yield [fact["version"], since, f"- {column}", "schema revert"]
