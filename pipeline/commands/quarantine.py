"""`quarantine`: rejected rows listed, shown whole, and sent through the rules again."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from pipeline.clock import SystemClock
from pipeline.commands.options import DEFAULT_PIPELINE, HomeOption, JsonOption, PipelineOption
from pipeline.console import open_console
from pipeline.errors import AuthorError
from pipeline.home import Home
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from pipeline.event_log import Event

quarantine = typer.Typer(no_args_is_help=True, help="List rejected rows, show them whole, replay them.")

TableOption = Annotated[str | None, typer.Option("--table", help="The quarantine, where the pipeline has several.")]
RuleOption = Annotated[list[str] | None, typer.Option("--rule", help="Only rows that violate it; again for more.")]
Records = Annotated[list[str] | None, typer.Argument(help="The record_id of a row; several are allowed.")]


@quarantine.command("list")
def list_rows(
    home: HomeOption = None,
    pipeline: PipelineOption = DEFAULT_PIPELINE,
    table: TableOption = None,
    rule: RuleOption = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many rows, the newest first.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List rejected rows, newest first, with the reasons."""
    from pipeline.quarantine import rejected_rows  # noqa: PLC0415 - pulls in Arrow

    name, path = _quarantine(home, pipeline, table)
    rows = rejected_rows(path, rules=rule or ())
    if as_json:
        typer.echo(json.dumps(rows[:limit], indent=2, default=str))
        return
    view = Table(title=f"{name}: {len(rows):,} rows", title_justify="left", header_style="bold")
    for heading in ("record_id", "failed", "quarantined", "file"):
        view.add_column(heading, overflow="fold")
    for row in rows[:limit]:
        file = str(row.get("source_file") or "").rsplit("/", 1)[-1]
        failed, moment = ", ".join(row["failed_expectations"]), f"{row['quarantined_at']:%Y-%m-%d %H:%M:%S}"
        view.add_row(str(row.get("record_id", "")), escape(failed), moment, escape(file))
    open_console().print(view)
    if len(rows) > limit:
        typer.echo(f"{len(rows) - limit:,} more; --limit shows them.")


@quarantine.command()
def show(
    records: Records = None,
    home: HomeOption = None,
    pipeline: PipelineOption = DEFAULT_PIPELINE,
    table: TableOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show rejected rows with every column, as they were sent."""
    from pipeline.quarantine import rejected_rows  # noqa: PLC0415 - pulls in Arrow

    name, path = _quarantine(home, pipeline, table)
    if not records:
        raise AuthorError("No row is named.", "Give a record_id; `python -m pipeline quarantine list` has them.")
    rows = rejected_rows(path, record_ids=records)
    strangers = sorted(set(records) - {row["record_id"] for row in rows})
    if strangers:
        problem = f"`{name}` has no row with the record_id {', '.join(strangers)}."
        raise AuthorError(problem, "`python -m pipeline quarantine list` shows the rows that there are.")
    if as_json:
        typer.echo(json.dumps(rows, indent=2, default=str))
        return
    for row in rows:
        view = Table(title=row["record_id"], title_justify="left", show_header=False)
        view.add_column("column", style="bold")
        view.add_column("value", overflow="fold")
        for column, value in row.items():
            view.add_row(column, "[dim]NULL[/]" if value is None else escape(str(value)))
        open_console().print(view)


@quarantine.command()
def replay(
    records: Records = None,
    home: HomeOption = None,
    pipeline: PipelineOption = DEFAULT_PIPELINE,
    table: TableOption = None,
    rule: RuleOption = None,
    corrections: Annotated[
        Path | None, typer.Option(help="Values to repair: CSV or JSON Lines of record_id, column, value.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Send rejected rows through the current rules; what now passes moves on, all others stay."""
    settings = load_settings(pipeline)
    place = Home.find(home)
    name, _ = _quarantine(home, pipeline, table)
    from pipeline.selection import ReplayRequest, Selection  # noqa: PLC0415
    from pipeline.session import build_session  # noqa: PLC0415 - Spark's own imports take a second
    from pipeline.update import Update  # noqa: PLC0415

    update = Update(place, settings, SystemClock(), lambda: build_session(place, settings.spark), cause="USER_ACTION")
    facts: dict[str, Any] = {}
    update.log.listen(lambda event: facts.update(_replayed(event)))
    request = ReplayRequest(name, tuple(records or ()), tuple(rule or ()), corrections)
    result = update.run(Selection(replay=request))
    if as_json:
        errors = {table: str(error) for table, error in result.errors.items()}
        typer.echo(json.dumps({"update_id": result.update_id, "state": result.state, **facts, "errors": errors}))
    elif facts:
        failing = ", ".join(f"{name} {count:,}" for name, count in facts["still_failing"].items())
        typer.echo(f"{facts['replayed']:,} rows replayed, {facts['moved']:,} moved to {facts['table']}.")
        typer.echo(f"Still failing: {failing}." if failing else "None is left that fails.")
    if result.state != "COMPLETED":
        for error in result.errors.values():
            typer.echo(str(error), err=True)
        raise typer.Exit(130 if result.state == "CANCELED" else 1)


def _replayed(event: Event) -> dict[str, Any]:
    metrics = event.details.get("metrics", {})
    if "num_replayed_rows" not in metrics or event.origin.dataset_name != event.origin.flow_name:
        return {}
    return {
        "table": event.origin.dataset_name,
        "replayed": metrics["num_replayed_rows"],
        "moved": metrics["num_output_rows"],
        "still_failing": metrics["still_failing"],
        "corrections": metrics["corrections_file"],
    }


def _quarantine(home: Path | None, pipeline: Path, table: str | None) -> tuple[str, Path]:
    """Return the name and the place of the pipeline's quarantine, or of the one that is named."""
    from pipeline.quarantine import quarantine_of  # noqa: PLC0415 - pulls in Arrow

    settings = load_settings(pipeline)
    name = quarantine_of(settings, table)
    return name, Home.find(home).schema(settings.target_schema) / name
