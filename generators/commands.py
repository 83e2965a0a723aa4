"""The plant's commands."""

from __future__ import annotations

import traceback
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import orjson
import typer

from generators import options  # noqa: TC001  # typer reads the annotations when it runs
from generators.acts import ACTS, STREAM, Act
from generators.faults import FAULTS, Fault, land_fault, return_to_fault
from generators.landing import Landing, landing_folder
from generators.plant import ANOMALY_RATE, DEVICES, READINGS_PER_FILE, Plant
from generators.progress import progress_bar
from generators.report import fault_facts, landed_facts, landed_line, print_faults
from generators.stop import stop_by_signal
from pipeline.clock import Clock, SystemClock, parse_duration, parse_moment
from pipeline.errors import AuthorError, LakehouseError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from generators.landed import Landed
    from generators.readings import Format

STREAM_RATE_PER_SECOND = 10.0
# Long enough ago that what is hot in it sets off no alert.
FIRST_BATCH_AGO = timedelta(hours=6)

app = typer.Typer(
    help="The plant: lands files of sensor readings in <home>/landing/sensor_readings.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _batch_command(act: Act) -> Callable[..., None]:
    def command(
        *,
        home: options.Home = None,
        files: options.Files = act.files,
        records: options.Records = READINGS_PER_FILE,
        devices: options.Devices = DEVICES,
        seed: options.Seed = None,
        at: options.At = None,
        anomaly_rate: options.AnomalyRate = ANOMALY_RATE,
        layout: options.Layout = "array",
        as_json: options.AsJson = False,
        debug: options.Debug = False,
    ) -> None:
        clock = SystemClock()
        with _reported(debug=debug), progress_bar(act.name, clock) as on_file:
            folder = landing_folder(home)
            landed = Plant(folder, clock, seed, devices).perform(
                act,
                files=files,
                records=records,
                at=_moment(at, clock),
                anomaly_rate=anomaly_rate,
                format=layout,
                on_file=on_file,
            )
        _print_landed(act, folder, landed, as_json=as_json)

    return command


for _act in ACTS:
    app.command(_act.name, help=_act.summary)(_batch_command(_act))


@app.command(STREAM.name, help=STREAM.summary)
def stream(
    *,
    home: options.Home = None,
    rate: options.Rate = STREAM_RATE_PER_SECOND,
    interval: options.Interval = "1s",
    duration: options.Duration = None,
    warm_up: options.WarmUp = False,
    event_lasts: options.EventLasts = "0s",
    devices: options.Devices = DEVICES,
    seed: options.Seed = None,
    at: options.At = None,
    anomaly_rate: options.AnomalyRate = ANOMALY_RATE,
    layout: options.Layout = "array",
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Land readings at a steady rate until a signal or the duration ends it."""
    clock = SystemClock()
    with _reported(debug=debug), stop_by_signal() as stop, progress_bar(STREAM.name, clock) as on_file:
        folder = landing_folder(home)
        plant = Plant(folder, clock, seed, devices)
        if warm_up:
            _warm_up(plant, rate, anomaly_rate, layout)
        landed = plant.stream(
            rate=rate,
            interval=parse_duration(interval),
            duration=parse_duration(duration) if duration else None,
            event_lasts=parse_duration(event_lasts),
            sleep=stop.sleep,
            stopped=stop.is_asked,
            at=_moment(at, clock),
            anomaly_rate=anomaly_rate,
            format=layout,
            on_file=on_file,
        )
    _print_landed(STREAM, folder, landed, as_json=as_json)


def _warm_up(plant: Plant, rate: float, anomaly_rate: float, layout: Format) -> None:
    """Give dashboards a past, and alerts readings of now before the stream's first file."""
    if not plant.landing.has_files():
        plant.batch(at=plant.clock.now() - FIRST_BATCH_AGO, format=layout)
    if rate:
        plant.perform(STREAM, records=len(plant.devices), anomaly_rate=anomaly_rate, format=layout)


@app.command()
def faults(
    *,
    home: options.Home = None,
    seed: options.Seed = None,
    at: options.At = None,
    large: options.Large = False,
    afterwards: options.Afterwards = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Land a file of each kind of bad input."""
    clock = SystemClock()
    with _reported(debug=debug), progress_bar("faults", clock) as on_file:
        landing = Landing(landing_folder(home), clock)
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
        _print_json(fault_facts(landing.folder, done))
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
        problem = f"`{at}` lies outside the years 1 to 9999."
        raise AuthorError(problem, "Correct --at.") from None


def _print_landed(act: Act, folder: Path, landed: Landed, *, as_json: bool) -> None:
    if as_json:
        _print_json(landed_facts(act.name, folder, landed))
    else:
        typer.echo(landed_line(act.name, folder, landed))


def _print_json(facts: dict[str, object]) -> None:
    typer.echo(orjson.dumps(facts, option=orjson.OPT_INDENT_2).decode())


@contextmanager
def _reported(*, debug: bool) -> Iterator[None]:
    try:
        yield
    except LakehouseError as error:
        if debug:
            traceback.print_exc()
        else:
            typer.echo(str(error), err=True)
        raise typer.Exit(error.exit_code) from None
