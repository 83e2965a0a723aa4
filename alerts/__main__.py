"""The alerts' commands: `python -m alerts check|watch|history|mute|unmute|test|health`."""

from __future__ import annotations

import signal
import sys
import threading
import traceback
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer

from alerts import console
from alerts.catalogue import SHIPPED
from alerts.drill import drill
from alerts.evaluate import Evaluation, evaluate
from alerts.evaluate import mute as mute_alert
from alerts.heartbeat import last_beat
from alerts.history import History
from alerts.model import Alert, State
from alerts.options import (
    DebugOption,
    FolderOption,
    HomeOption,
    JsonOption,
    NameArgument,
    OptionalName,
    common_of,
)
from alerts.settings import find_destinations
from alerts.warehouse import HiveWarehouse
from alerts.watch import Watch
from pipeline.clock import parse_duration, parse_moment
from pipeline.errors import LakehouseError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Evaluate alerts over the SQL warehouse and tell who has to know.",
)


@app.command()
def check(
    name: OptionalName = None,
    *,
    at: Annotated[str | None, typer.Option("--at", help="Another moment for `:now`: a time, +5h or -6h.")] = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="End with 1 when an alert is triggered.")] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
    folder: FolderOption = SHIPPED,
    _debug: DebugOption = False,
) -> None:
    """Evaluate now, record it and deliver what is to be told, undelivered notifications included."""
    common = common_of(home, folder)
    moment = parse_moment(at, common.clock.now()) if at is not None else None
    alerts = common.alerts(name)
    warehouse = HiveWarehouse(common.settings.warehouse_url)
    evaluations = []
    for alert in alerts:
        destinations = find_destinations(common.settings, alert.spec.destinations, console.say)
        evaluations.append(
            evaluate(alert, warehouse, common.settings.home, common.clock, at=moment, destinations=destinations)
        )
    if as_json:
        console.show_json([console.facts(one) for one in evaluations])
    else:
        console.show_evaluations(evaluations)
    raise typer.Exit(max((_exit_code(one, triggered_counts=exit_code) for one in evaluations), default=0))


def _exit_code(evaluation: Evaluation, *, triggered_counts: bool) -> int:
    if evaluation.error is not None:
        return evaluation.error.exit_code
    has_failed = evaluation.state is State.ERROR or evaluation.waiting > 0
    return int(has_failed or (triggered_counts and evaluation.state is State.TRIGGERED))


@app.command()
def watch(
    name: OptionalName = None,
    *,
    home: HomeOption = None,
    folder: FolderOption = SHIPPED,
    _debug: DebugOption = False,
) -> None:
    """Evaluate on schedule until stopped."""
    common = common_of(home, folder)
    alerts = common.alerts(name)
    for alert in alerts:
        find_destinations(common.settings, alert.spec.destinations)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())

    def report(alert: Alert, outcome: Evaluation | LakehouseError) -> None:
        text = console.line(outcome) if isinstance(outcome, Evaluation) else f"{alert.spec.name}: {outcome}"
        typer.echo(text)

    typer.echo(f"Watching {', '.join(alert.spec.name for alert in alerts)}.")
    Watch(
        alerts,
        HiveWarehouse(common.settings.warehouse_url),
        common.settings.home,
        common.clock,
        find=lambda alert: find_destinations(common.settings, alert.spec.destinations),
        wait=lambda span: stop.wait(span / timedelta(seconds=1)),
        report=report,
    ).run()
    typer.echo("Stopped.")


@app.command()
def history(
    name: OptionalName = None,
    *,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many evaluations at most.")] = 20,
    as_json: JsonOption = False,
    home: HomeOption = None,
    folder: FolderOption = SHIPPED,
    _debug: DebugOption = False,
) -> None:
    """Show recorded evaluations, newest first."""
    common = common_of(home, folder)
    table = History(common.settings.home)
    rows = table.latest(common.alerts(name)[0].spec.name, limit) if name else table.newest(limit)
    if as_json:
        console.show_json([row.model_dump(mode="json") for row in rows])
    else:
        console.show_history(rows)


@app.command()
def mute(
    name: NameArgument,
    *,
    span: Annotated[str, typer.Option("--for", help="For how long: 30m, 1h, 2d.")],
    as_json: JsonOption = False,
    home: HomeOption = None,
    folder: FolderOption = SHIPPED,
    _debug: DebugOption = False,
) -> None:
    """Tell nobody of an alert for a while; it is evaluated and recorded all the same."""
    common = common_of(home, folder)
    until = common.clock.now() + parse_duration(span)
    alert = common.alerts(name)[0]
    mute_alert(alert, common.settings.home, until)
    if as_json:
        console.show_json({"key": alert.key, "muted_until": until.isoformat()})
    else:
        typer.echo(f"{alert.spec.name} is muted until {console.in_words(until)}.")


@app.command()
def unmute(
    name: NameArgument,
    *,
    as_json: JsonOption = False,
    home: HomeOption = None,
    folder: FolderOption = SHIPPED,
    _debug: DebugOption = False,
) -> None:
    """Tell of an alert again; what changed meanwhile and is still so is told at the next evaluation."""
    common = common_of(home, folder)
    alert = common.alerts(name)[0]
    mute_alert(alert, common.settings.home, None)
    by_file = alert.spec.mute_until
    until = by_file if by_file is not None and by_file > common.clock.now() else None
    if as_json:
        console.show_json({"key": alert.key, "muted_until": until and until.isoformat()})
    elif until is None:
        typer.echo(f"{alert.spec.name} is no longer muted.")
    else:
        typer.echo(f"{alert.key}.yml mutes it until {console.in_words(until)}; change `mute_until` there.")


@app.command("test")
def send_test(
    name: NameArgument,
    *,
    as_json: JsonOption = False,
    home: HomeOption = None,
    folder: FolderOption = SHIPPED,
    _debug: DebugOption = False,
) -> None:
    """Send a marked test notification to each of an alert's destinations."""
    common = common_of(home, folder)
    alert = common.alerts(name)[0]
    destinations = find_destinations(common.settings, alert.spec.destinations, console.say)
    outcome = drill(alert, destinations, common.clock.now())
    if as_json:
        console.show_json(asdict(outcome))
    else:
        for label, error in outcome.errors:
            typer.echo(error or f"Sent to {label}.")
    raise typer.Exit(int(any(error for _, error in outcome.errors)))


@app.command()
def health(
    *,
    as_json: JsonOption = False,
    home: HomeOption = None,
    _debug: DebugOption = False,
) -> None:
    """Say whether `watch` is well: 0 when it is, 1 when it is not."""
    common = common_of(home, SHIPPED)
    heartbeat = last_beat(common.settings.home, common.clock.now())
    if as_json:
        console.show_json(heartbeat.model_dump(mode="json"))
    else:
        typer.echo(f"watch (process {heartbeat.pid}) got on at {console.in_words(heartbeat.beat_at)}.")


def main(arguments: list[str] | None = None) -> int:
    """Run a command line and return its exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        app(args=words, prog_name="python -m alerts")
    except LakehouseError as error:
        if "--debug" in words:
            traceback.print_exc()
        typer.echo(str(error), err=True)
        return error.exit_code
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
