"""`quarantine`: lists rejected rows, shows them whole, and replays them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from pipeline.commands.ending import exit_unless_completed, print_errors, run_until_signal
from pipeline.commands.output import count_of, print_json, print_table
from pipeline.commands.target import DEFAULT_PIPELINE, HomeOption, JsonOption, PipelineOption, Target, the_one
from pipeline.foundation.errors import AuthorError
from pipeline.foundation.shown import say

if TYPE_CHECKING:
    from pipeline.commands.output import Cell
    from pipeline.events.event import Event

quarantine = typer.Typer(no_args_is_help=True, help="List rejected rows, show them whole, and replay them.")

TableOption = Annotated[str | None, typer.Option("--table", help="The quarantine table, if the pipeline has several.")]
RuleOption = Annotated[
    list[str] | None, typer.Option("--rule", help="Only rows that violate this expectation; repeat for several.")
]
Records = Annotated[list[str] | None, typer.Argument(help="The record_id of one or more rows.")]


@quarantine.command("list")
def list_rows(
    home: HomeOption = None,
    pipeline: PipelineOption = DEFAULT_PIPELINE,
    table: TableOption = None,
    rule: RuleOption = None,
    limit: Annotated[int, typer.Option(min=1, help="How many rows to list.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List rejected rows with their reasons, newest first."""
    from pipeline.rework.quarantine import rejected_rows  # noqa: PLC0415 - imports Arrow

    name, path = _quarantine(Target.find(home, pipeline), table)
    rows = rejected_rows(path, rules=rule or ())
    if as_json:
        print_json(rows[:limit])
        return
    number = ("record_row",) if any("record_row" in row for row in rows) else ()
    headings = ("record_id", *number, "failed", "quarantined", "file")
    print_table(f"{name}: {count_of(len(rows), 'row')}", headings, (_row(row, number) for row in rows[:limit]))
    if len(rows) > limit:
        say(f"{len(rows) - limit:,} more; use --limit to list them.")


@quarantine.command()
def show(
    records: Records = None,
    home: HomeOption = None,
    pipeline: PipelineOption = DEFAULT_PIPELINE,
    table: TableOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show rejected rows with every column, as they were sent."""
    from pipeline.rework.quarantine import rejected_rows  # noqa: PLC0415 - imports Arrow

    name, path = _quarantine(Target.find(home, pipeline), table)
    if not records:
        raise AuthorError("No record_id was given.", "`python -m pipeline quarantine list` lists them.")
    rows = rejected_rows(path, record_ids=records)
    unknown = sorted(set(records) - {row["record_id"] for row in rows})
    if unknown:
        problem = f"`{name}` has no row with the record_id {', '.join(unknown)}."
        raise AuthorError(problem, "`python -m pipeline quarantine list` lists the rows.")
    if as_json:
        print_json(rows)
        return
    for row in rows:
        values = ([column, Text("NULL", "dim") if value is None else str(value)] for column, value in row.items())
        print_table(row["record_id"], ("column", "value"), values)


@quarantine.command()
def replay(
    records: Records = None,
    home: HomeOption = None,
    pipeline: PipelineOption = DEFAULT_PIPELINE,
    table: TableOption = None,
    rule: RuleOption = None,
    corrections: Annotated[
        Path | None, typer.Option(help="Corrected values: CSV or JSON Lines of record_id, column, value.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Apply the current rules to rejected rows; rows that now pass move on, the others stay."""
    from pipeline.selection import ReplayRequest, Selection  # noqa: PLC0415 - only this command needs them

    target = Target.find(home, pipeline)
    name, _ = _quarantine(target, table)
    update = target.update()
    facts: dict[str, Any] = {}
    update.log.listen(lambda event: _add(facts, _replayed(event)))
    request = ReplayRequest(name, tuple(records or ()), tuple(rule or ()), corrections)
    result = run_until_signal(update, Selection(replay=request))
    if as_json:
        errors = {table: str(error) for table, error in result.errors.items()}
        print_json({"update_id": result.update_id, "state": result.state, **facts, "errors": errors})
    elif facts:
        say(f"Replayed {count_of(facts['replayed'], 'row')}; {facts['moved']:,} moved to {facts['table']}.")
        failing = ", ".join(f"{rule} {count:,}" for rule, count in facts["still_failing"].items())
        say(f"Still failing: {failing}." if failing else "No row fails any more.")
    print_errors(result)
    exit_unless_completed(result)


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


def _add(facts: dict[str, Any], more: dict[str, Any]) -> None:
    """Add the figures of another event: single rows and whole records are replayed one after the other."""
    if more:
        sums = {name: facts.get(name, 0) + more[name] for name in ("replayed", "moved")}
        failing = Counter(facts.get("still_failing", {})) + Counter(more["still_failing"])
        facts |= {**more, **sums, "still_failing": dict(failing)}


def _row(row: dict[str, Any], number: tuple[str, ...]) -> list[Cell]:
    file = str(row.get("source_file") or "").rsplit("/", 1)[-1]
    ids = (str(row.get(name, "")) for name in ("record_id", *number))
    return [*ids, ", ".join(row["failed_expectations"]), row["quarantined_at"], file]


def _quarantine(target: Target, table: str | None) -> tuple[str, Path]:
    """Return the name and the path of the pipeline's only quarantine, or of the one that is named."""
    from pipeline.ingest.declarations import declared_datasets  # noqa: PLC0415 - runs the author's module

    declared = declared_datasets(target.home, target.settings)
    known = [dataset.quarantine for dataset in declared if dataset.quarantine]
    name = the_one("quarantine", table, known, target.settings.source)
    return name, target.schema.table(name).data
