"""Act 4: what watches the tables, and who is told."""

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
    from datetime import datetime

    from demo.stage import Stage

OVERHEATING = "overheating_equipment"
LONG_AFTER = timedelta(hours=5)
_LINES_SHOWN = 14


def act4(stage: Stage) -> None:
    """Monitoring and alerting: a calm plant, an overheating, and its end."""
    stage.headline("Act 4 · The alert")
    stage.say("Every two minutes an alert asks the SQL warehouse which devices are hot: over 40 °C, strictly.")
    if stage.waiting():
        stage.say("First an update brings the tables up to date.")
        stage.update()
    _calm(stage)
    _overheating(stage)
    _over(stage)


def _calm(stage: Stage) -> None:
    stage.say("\n[bold]A calm batch of now.[/] No reading in it is hot.")
    _land_calm_batch(stage)
    found = _evaluated(stage)
    stage.check(found.state is State.OK, "the alert is OK")


def _overheating(stage: Stage) -> None:
    stage.say("\n[bold]A cooling fails.[/] All machines send 42 to 48 °C.")
    landed = stage.plant.trigger_event()
    stage.update(landed.files)
    found = _evaluated(stage)
    stage.check(found.state is State.TRIGGERED, "one evaluation later the alert is TRIGGERED")
    hot = {*found.decision.newly, *found.decision.still}
    stage.check(hot == _devices_since(stage, {str(path) for path in landed.files}), f"it names all {len(hot)} devices")
    _show_what_was_told(stage, found)


def _over(stage: Stage) -> None:
    if stage.updates_on_arrival:
        # A moved clock would tell of an end that the service, which goes by the true one, takes back a minute later.
        stage.say("\n[bold]The cooling is repaired.[/] A calm batch of now: no machine's newest reading is hot.")
        _land_calm_batch(stage)
        found = _evaluated(stage)
    else:
        stage.say("\n[bold]Five hours later.[/] The clock is moved (--at +5h): no reading of the last hours is hot.")
        found = _evaluated(stage, at=stage.clock.now() + LONG_AFTER)
    stage.check(found.state is State.OK, "the alert is OK again")
    _show_what_was_told(stage, found)
    stage.say(f"Every evaluation is a row in alert_evaluations.  ({stage.python} -m alerts history)")


def _land_calm_batch(stage: Stage) -> None:
    """Land calm readings and have them read, in an update without a hot one.

    A plant that streams may have sent its last hot readings into the same update as the first calm batch.
    """
    for _ in range(2 if stage.updates_on_arrival else 1):
        stage.update(stage.plant.batch(anomaly_rate=0.0).files)


def _evaluated(stage: Stage, at: datetime | None = None) -> Evaluation:
    alert = load_alerts(SHIPPED, [OVERHEATING], stage.clock.now())[0]
    settings = read_settings(stage.home.root)
    # The act shows what is told by itself, after the evaluation.
    destinations = find_destinations(settings, alert.spec.destinations, say=lambda _: None)
    found = evaluate(alert, stage.warehouse, settings.home, stage.clock, at=at, destinations=destinations)
    milliseconds = found.row.duration_ms
    stage.say(f"Evaluated in {milliseconds / 1000:.2f} s: {found.previous_state} → [bold]{found.state}[/].")
    if found.state is State.ERROR:
        stage.say(escape(found.row.reason))
    return found


def _show_what_was_told(stage: Stage, found: Evaluation) -> None:
    if found.message is None:
        stage.say(f"Nobody is told now: the alert is muted, or {stage.poller} runs beside this act and has told it.")
        return
    lines = [found.message.subject, *found.message.body.splitlines()]
    more = len(lines) - _LINES_SHOWN
    for line in lines[:_LINES_SHOWN] + ([f"… and {more} lines more"] if more > 0 else []):
        stage.say(f"  [dim]│[/] {escape(line)}")
    stage.check(found.row.notified, escape(f"one notification went to {found.row.destination}"))


def _devices_since(stage: Stage, files: set[str]) -> set[str]:
    rows = stage.frame(SILVER, ["device_id", "source_file"]).to_pylist()
    return {row["device_id"] for row in rows if row["source_file"] in files}
