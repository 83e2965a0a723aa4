"""The alerts' commands: `python -m alerts check|watch|history|mute|unmute|test|health`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from alerts import console
from alerts.catalogue import SHIPPED
from alerts.drill import drill
from alerts.evaluate import Evaluation, evaluate
from alerts.evaluate import mute as mute_alert
from alerts.heartbeat import last_beat
from alerts.history import History
from alerts.model import Alert, State
from alerts.options import FolderOption, NameArgument, OptionalName, common_of
from alerts.poller import Poller
from alerts.settings import find_destinations
from pipeline.commands.output import print_json
from pipeline.commands.target import HomeOption, JsonOption  # noqa: TC001 - typer reads the annotations
from pipeline.foundation.clock import parse_duration, parse_moment
from pipeline.foundation.command_line import run_command
from pipeline.foundation.shown import say
from pipeline.foundation.stop import stop_by_signal
from pipeline.warehouse.hive import HiveWarehouse

if TYPE_CHECKING:
    from pipeline.foundation.errors import LakehouseError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Evaluate alerts over the SQL warehouse and send notifications.",
)


@app.command()
def check(
    name: OptionalName = None,
    *,
    at: Annotated[str | None, typer.Option("--at", help="Another moment for `:now`: a time, +5h or -6h.")] = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 1 if an alert is triggered.")] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
    folder: FolderOption = SHIPPED,
) -> None:
    """Evaluate alerts now, record it, and send their notifications, including pending ones."""
    common = common_of(home, folder, to_write=True)
    moment = parse_moment(at, common.clock.now()) if at is not None else None
    alerts = common.alerts(name)
    warehouse = HiveWarehouse(common.settings.warehouse_url)
    evaluations = []
    for alert in alerts:
        destinations = find_destinations(common.settings, alert.spec.destinations, console.say)
        evaluations.append(
            evaluate(alert, warehouse, common.settings, common.clock, at=moment, destinations=destinations)
        )
    if as_json:
        print_json([console.facts(one) for one in evaluations])
    else:
        console.show_evaluations(evaluations)
    raise typer.Exit(max((_exit_code(one, triggered_counts=exit_code) for one in evaluations), default=0))


def _exit_code(evaluation: Evaluation, *, triggered_counts: bool) -> int:
    if evaluation.error is not None:
        return evaluation.error.exit_code
    has_failed = evaluation.state is State.ERROR or evaluation.waiting > 0
    return int(has_failed or (triggered_counts and evaluation.state is State.TRIGGERED))


@app.command()
def watch(name: OptionalName = None, *, home: HomeOption = None, folder: FolderOption = SHIPPED) -> None:
    """Evaluate alerts on schedule until stopped."""
    common = common_of(home, folder, to_write=True)
    alerts = common.alerts(name)
    for alert in alerts:
        find_destinations(common.settings, alert.spec.destinations)
    warehouse = HiveWarehouse(common.settings.warehouse_url)

    def report(alert: Alert, outcome: Evaluation | LakehouseError) -> None:
        text = console.line(outcome) if isinstance(outcome, Evaluation) else f"{alert.spec.name}: {outcome}"
        say(text)

    with stop_by_signal() as stop:
        say(f"Watching {', '.join(alert.spec.name for alert in alerts)}.")
        Poller(
            alerts,
            warehouse,
            common.settings,
            common.clock,
            find=lambda alert: find_destinations(common.settings, alert.spec.destinations),
            wait=lambda span: stop.wait(span.total_seconds()),
            report=report,
        ).run()
    say("Stopped.")


@app.command()
def history(
    name: OptionalName = None,
    *,
    limit: Annotated[int, typer.Option("--limit", min=1, help="The largest number of evaluations to show.")] = 20,
    as_json: JsonOption = False,
    home: HomeOption = None,
    folder: FolderOption = SHIPPED,
) -> None:
    """Show recorded evaluations, newest first."""
    common = common_of(home, folder)
    table = History(common.settings.home, common.settings.schema)
    rows = table.latest(common.alerts(name)[0].spec.name, limit) if name else table.newest(limit)
    if as_json:
        print_json([row.model_dump(mode="json") for row in rows])
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
) -> None:
    """Send no notifications of an alert for a while; it is still evaluated and recorded."""
    common = common_of(home, folder, to_write=True)
    until = common.clock.now() + parse_duration(span)
    alert = common.alerts(name)[0]
    mute_alert(alert, common.settings, until)
    if as_json:
        print_json({"key": alert.key, "muted_until": until.isoformat()})
    else:
        say(f"{alert.spec.name} is muted until {console.in_words(until)}.")


@app.command()
def unmute(
    name: NameArgument, *, as_json: JsonOption = False, home: HomeOption = None, folder: FolderOption = SHIPPED
) -> None:
    """Send an alert's notifications again; the next evaluation notifies of changes that persist."""
    common = common_of(home, folder, to_write=True)
    alert = common.alerts(name)[0]
    mute_alert(alert, common.settings, None)
    by_file = alert.spec.mute_until
    until = by_file if by_file is not None and by_file > common.clock.now() else None
    if as_json:
        print_json({"key": alert.key, "muted_until": until and until.isoformat()})
    elif until is None:
        say(f"{alert.spec.name} is no longer muted.")
    else:
        say(f"{alert.key}.yml mutes it until {console.in_words(until)}; change `mute_until` there.")


@app.command("test")
def send_test(
    name: NameArgument, *, as_json: JsonOption = False, home: HomeOption = None, folder: FolderOption = SHIPPED
) -> None:
    """Send a marked test notification to each of an alert's destinations."""
    common = common_of(home, folder)
    alert = common.alerts(name)[0]
    destinations = find_destinations(common.settings, alert.spec.destinations, console.say)
    outcome = drill(alert, destinations, common.clock.now())
    if as_json:
        print_json(asdict(outcome))
    else:
        for label, error in outcome.errors:
            say(error or f"Sent to {label}.")
    raise typer.Exit(int(any(error for _, error in outcome.errors)))


@app.command()
def health(*, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Check the heartbeat of `watch`: exit with 0 if it is recent, with 1 if not."""
    common = common_of(home, SHIPPED)
    heartbeat = last_beat(common.settings.home, common.clock.now())
    if as_json:
        print_json(heartbeat.model_dump(mode="json"))
    else:
        say(f"Last heartbeat of watch (process {heartbeat.pid}): {console.in_words(heartbeat.beat_at)}.")


if __name__ == "__main__":
    sys.exit(run_command(app, "python -m alerts"))
