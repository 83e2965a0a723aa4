"""Act 4: the alert, and the notifications that it sends."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from rich.markup import escape

from alerts.catalogue import SHIPPED, load_alerts
from alerts.evaluate import Evaluation, evaluate
from alerts.model import State
from alerts.settings import find_destinations, read_settings
from demo.stage import SILVER

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path

    from demo.stage import Stage

OVERHEATING = "overheating_equipment"
LONG_AFTER = timedelta(hours=5)
_LINES_SHOWN = 14


def act4(stage: Stage) -> None:
    """Monitoring and alerting: calm, overheating, calm again."""
    stage.headline("Act 4 · The alert")
    stage.say("Every two minutes, an alert asks the SQL warehouse which devices are hot: strictly over 40 °C.")
    if stage.waiting():
        stage.say("First, an update brings the tables up to date.")
        stage.update()
    _calm(stage)
    _overheating(stage)
    _calm_again(stage)


def _calm(stage: Stage) -> None:
    stage.say("\n[bold]A calm batch with present times.[/] None of its readings is hot. You should see OK.")
    _land_calm_batch(stage)
    stage.check(_evaluated(stage).state is State.OK, "the alert is OK")


def _overheating(stage: Stage) -> None:
    stage.say("\n[bold]A cooling system fails.[/] All machines report 42 to 48 °C. You should see TRIGGERED, and one")
    stage.say("notification that names every hot machine.")
    landed = stage.plant.trigger_event()
    stage.update(landed.files)
    found = _evaluated(stage)
    stage.check(found.state is State.TRIGGERED, "one evaluation later the alert is TRIGGERED")
    hot = {*found.decision.newly, *found.decision.still}
    stage.check(hot == _devices_in(stage, landed.files), f"it names all {len(hot)} devices")
    _show_notification(stage, found)


def _calm_again(stage: Stage) -> None:
    if stage.updates_on_arrival:
        # With --at, this act would notify of a recovery that the service, which uses the true time, revokes a minute
        # later.
        stage.say(
            "\n[bold]The cooling system is repaired.[/] A calm batch with present times lands. You should see OK,"
        )
        stage.say("and a notification of the recovery.")
        _land_calm_batch(stage)
        found = _evaluated(stage)
    else:
        stage.say("\n[bold]Five hours later.[/] The alert is evaluated as of five hours from now (--at +5h), when no")
        stage.say("recent reading is hot. You should see OK, and a notification of the recovery.")
        found = _evaluated(stage, at=stage.clock.now() + LONG_AFTER)
    stage.check(found.state is State.OK, "the alert is OK again")
    _show_notification(stage, found)
    stage.say(f"Every evaluation is a row in alert_evaluations.  ({stage.python} -m alerts history)")


def _land_calm_batch(stage: Stage) -> None:
    """Land calm readings and have an update without hot ones read them.

    On a stack, a stream's last hot readings may be read in the same update as the first calm batch.
    """
    for _ in range(2 if stage.updates_on_arrival else 1):
        stage.update(stage.plant.batch(anomaly_rate=0.0).files)


def _evaluated(stage: Stage, at: datetime | None = None) -> Evaluation:
    alert = load_alerts(SHIPPED, [OVERHEATING], stage.clock.now())[0]
    settings = read_settings(stage.home.root)
    # The act prints the notification itself, after the evaluation.
    destinations = find_destinations(settings, alert.spec.destinations, say=lambda _: None)
    found = evaluate(alert, stage.warehouse, settings, stage.clock, at=at, destinations=destinations)
    stage.say(f"Evaluated in {found.row.duration_ms / 1000:.2f} s: {found.previous_state} → [bold]{found.state}[/].")
    if found.state is State.ERROR:
        stage.say(escape(found.row.reason))
    return found


def _show_notification(stage: Stage, found: Evaluation) -> None:
    if found.message is None:
        stage.say(f"No notification is due: the alert is muted, or {stage.poller} runs as well and has sent it.")
        return
    lines = [found.message.subject, *found.message.body.splitlines()]
    more = len(lines) - _LINES_SHOWN
    for line in lines[:_LINES_SHOWN] + ([f"… and {more} more lines"] if more > 0 else []):
        stage.say(f"  [dim]│[/] {escape(line)}")
    stage.check(found.row.notified, escape(f"one notification was delivered to {found.row.destination}"))


def _devices_in(stage: Stage, files: Iterable[Path]) -> set[str]:
    names = {str(path) for path in files}
    rows = stage.frame(SILVER, ["device_id", "source_file"]).to_pylist()
    return {row["device_id"] for row in rows if row["source_file"] in names}
