"""The plant's commands and their options."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from generators.faults import FAULTS, Fault, land_fault, return_to_fault
from generators.landing import Landing, landing_folder
from generators.plant import ANOMALY_RATE, DEVICES, READINGS_PER_FILE, Plant
from generators.readings import Format, Landed
from generators.report import fault_facts, landed_facts, landed_line, print_faults, progress_bar
from generators.scenarios import SCENARIOS, STREAM, Scenario
from pipeline.commands.output import print_json
from pipeline.commands.target import HomeOption, JsonOption  # noqa: TC001 - typer reads the annotations
from pipeline.foundation.clock import Clock, SystemClock, parse_duration, parse_moment
from pipeline.foundation.errors import AuthorError
from pipeline.foundation.shown import say
from pipeline.foundation.stop import stop_by_signal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


FilesOption = Annotated[int, typer.Option(help="The number of files to land.")]
RecordsOption = Annotated[int, typer.Option(help="The number of readings in a file.")]
DevicesOption = Annotated[int, typer.Option(help="The number of sensors.")]
SeedOption = Annotated[int | None, typer.Option(help="The same seed and --at land the same bytes; random by default.")]
AtOption = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="The time of the readings: 2026-01-31T10:00:00Z, or -6h. Now by default."),
]
AnomalyRateOption = Annotated[
    float, typer.Option(help="The share of anomalous readings, from 0 to 1; trigger-event ignores it.")
]
FormatOption = Annotated[Format, typer.Option("--format", help="One JSON array in each file, or JSON Lines.")]
RateOption = Annotated[float, typer.Option(help="Readings per second, on average; 0 lands nothing.")]
IntervalOption = Annotated[str, typer.Option(help="The time from one file to the next, such as 1s.")]
ForOption = Annotated[
    str | None, typer.Option("--for", metavar="DURATION", help="How long, such as 30s; until stopped by default.")
]
LargeOption = Annotated[bool, typer.Option("--large", help="Land the file of over 200 MB as well.")]
AfterwardsOption = Annotated[
    bool, typer.Option("--afterwards", help="Land nothing; overwrite or delete the landed files that are meant for it.")
]
WarmUpOption = Annotated[
    bool,
    typer.Option(
        "--warm-up",
        help="First land readings of the last minute, and into an empty landing zone a batch of six hours ago.",
    ),
]
EventLastsOption = Annotated[
    str, typer.Option(help="How long the stream is hot after a trigger event in the same folder; a batch ends it.")
]


STREAM_RATE_PER_SECOND = 10.0
# Old enough that its hot readings trigger no alert.
FIRST_BATCH_AGO = timedelta(hours=6)

app = typer.Typer(
    help="The plant: lands files of sensor readings in <home>/landing/sensor_readings.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _batch_command(scenario: Scenario) -> Callable[..., None]:
    def command(
        *,
        home: HomeOption = None,
        files: FilesOption = scenario.files,
        records: RecordsOption = READINGS_PER_FILE,
        devices: DevicesOption = DEVICES,
        seed: SeedOption = None,
        at: AtOption = None,
        anomaly_rate: AnomalyRateOption = ANOMALY_RATE,
        layout: FormatOption = "array",
        as_json: JsonOption = False,
    ) -> None:
        clock = SystemClock()
        folder = landing_folder(home)
        with progress_bar(scenario.name, clock) as on_file:
            landed = Plant(folder, clock, seed, devices).land(
                scenario,
                files=files,
                records=records,
                at=_moment(at, clock),
                anomaly_rate=anomaly_rate,
                format=layout,
                on_file=on_file,
            )
        _print_landed(scenario, folder, landed, as_json=as_json)

    return command


for _scenario in SCENARIOS:
    app.command(_scenario.name, help=_scenario.summary)(_batch_command(_scenario))


@app.command(STREAM.name, help=STREAM.summary)
def stream(
    *,
    home: HomeOption = None,
    rate: RateOption = STREAM_RATE_PER_SECOND,
    interval: IntervalOption = "1s",
    duration: ForOption = None,
    warm_up: WarmUpOption = False,
    event_lasts: EventLastsOption = "0s",
    devices: DevicesOption = DEVICES,
    seed: SeedOption = None,
    at: AtOption = None,
    anomaly_rate: AnomalyRateOption = ANOMALY_RATE,
    layout: FormatOption = "array",
    as_json: JsonOption = False,
) -> None:
    """Land readings at a steady rate until a signal or the duration ends the stream."""
    clock = SystemClock()
    folder = landing_folder(home)
    with stop_by_signal() as stop, progress_bar(STREAM.name, clock) as on_file:
        plant = Plant(folder, clock, seed, devices)
        if warm_up:
            _warm_up(plant, rate, anomaly_rate, layout)
        landed = plant.stream(
            rate=rate,
            interval=parse_duration(interval),
            duration=parse_duration(duration) if duration else None,
            event_lasts=parse_duration(event_lasts),
            sleep=stop.wait,
            stopped=stop.is_asked,
            at=_moment(at, clock),
            anomaly_rate=anomaly_rate,
            format=layout,
            on_file=on_file,
        )
    _print_landed(STREAM, folder, landed, as_json=as_json)


def _warm_up(plant: Plant, rate: float, anomaly_rate: float, layout: Format) -> None:
    """Land past readings for the dashboards, and present ones for the alerts, before the stream's first file."""
    if not plant.landing.has_files():
        plant.batch(at=plant.clock.now() - FIRST_BATCH_AGO, format=layout)
    if rate:
        plant.land(STREAM, records=len(plant.devices), anomaly_rate=anomaly_rate, format=layout)


@app.command()
def faults(
    *,
    home: HomeOption = None,
    seed: SeedOption = None,
    at: AtOption = None,
    large: LargeOption = False,
    afterwards: AfterwardsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Land a file of each kind of bad input."""
    clock = SystemClock()
    landing = Landing(landing_folder(home), clock)
    with progress_bar("faults", clock) as on_file:
        moment = _moment(at, clock)
        done: list[tuple[Fault, Path]] = []
        if afterwards:
            for fault, path in _landed_to_change(landing.folder):
                return_to_fault(fault, landing, path, moment, seed)
                done.append((fault, path))
        else:
            chosen = [fault for fault in FAULTS if large or not fault.is_large]
            for number, fault in enumerate(chosen, start=1):
                done.append((fault, land_fault(fault, landing, moment, seed)))
                on_file(number, len(chosen))
    if as_json:
        print_json(fault_facts(landing.folder, done))
    else:
        print_faults(landing.folder, done)


def _landed_to_change(folder: Path) -> list[tuple[Fault, Path]]:
    return [
        (fault, path)
        for fault in FAULTS
        if fault.afterwards
        for path in sorted(folder.glob(f"*-{fault.file_label}-*{fault.extension}"))
    ]


def _moment(at: str | None, clock: Clock) -> datetime:
    try:
        return clock.now() if at is None else parse_moment(at, clock.now())
    except OverflowError:
        problem = f"`{at}` is outside the years 1 to 9999."
        raise AuthorError(problem, "Correct --at.") from None


def _print_landed(scenario: Scenario, folder: Path, landed: Landed, *, as_json: bool) -> None:
    if as_json:
        print_json(landed_facts(scenario.name, folder, landed))
    else:
        say(landed_line(scenario.name, folder, landed))
