"""The whole pipeline in a warm session, against bare streams and against one node in memory."""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import yaml

from bench.lake import warm
from bench.memory import peak_gigabytes
from bench.readings import Stock, land
from bench.result import Result
from bench.rivals import bare_streams
from bench.size import MANY, label
from bench.stopwatch import alternating, seconds
from pipeline.home.places import Home
from pipeline.settings import DEFAULT_SETTINGS

if TYPE_CHECKING:
    from pathlib import Path

    from bench.lake import Bench
    from bench.size import Size

TARGET = 0.7
MEMORY_TARGET = 1.2
_DEVICES = 5_000


def against_bare_streams(size: Size, scratch: Path) -> list[Result]:
    """Measure an update of up to 2 million readings against streams without quality, evolution, rescue or log."""
    return _against_bare_streams(size, scratch, [readings for readings in size.large if readings <= MANY])


def against_bare_streams_when_large(size: Size, scratch: Path) -> list[Result]:
    """Measure the same with more readings; a quick run skips this."""
    return _against_bare_streams(size, scratch, [readings for readings in size.large if readings > MANY])


def _against_bare_streams(size: Size, scratch: Path, numbers: list[int]) -> list[Result]:
    results: list[Result] = []
    if not numbers:
        return results
    with warm(scratch, size) as bench:
        _bare(bench, bench.stock.of(2_000, files=2), "warm-up")
        for readings in numbers:
            files = bench.stock.of(readings, devices=_DEVICES)
            ours, theirs = alternating(
                size.runs(readings), partial(_ours, bench, files), partial(_theirs, bench, files)
            )
            name = f"pipeline_{label(readings)}"
            results.append(Result.of(name, ours, rival="bare Spark streams", theirs=theirs, target=TARGET))
    return results


def against_one_node(size: Size, scratch: Path) -> list[Result]:
    """Measure a cold update against Polars and delta-rs in a process of their own, time and memory."""
    results = []
    stock = Stock(scratch / "readings")
    (scratch / "readings").mkdir(parents=True, exist_ok=True)
    peaks: list[float] = []
    for readings in size.large:
        files = stock.of(readings, devices=_DEVICES)
        ours = _cold(scratch, files, compiler="thorough" if readings > MANY else "auto")
        theirs = _polars(scratch, files)
        peaks.append(ours[1])
        note = f"peak memory {ours[1]:.1f} GB, Polars {theirs[1]:.1f} GB; ours is a process from its start"
        name = f"one_node_{label(readings)}"
        results.append(Result.of(name, [ours[0]], rival="Polars and delta-rs", theirs=[theirs[0]], note=note))
    name = f"peak_memory_{label(size.large[-1])}"
    rival = f"itself at {label(size.large[0])}"
    note = "gigabytes, not seconds: all processes of one cold update"
    results.append(Result.of(name, peaks[-1:], rival=rival, theirs=peaks[:1], target=MEMORY_TARGET, note=note))
    return results


def _ours(bench: Bench, files: list[Path], _: int) -> float:
    return bench.timed_update(bench.home("ours"), files)


def _theirs(bench: Bench, files: list[Path], _: int) -> float:
    return _bare(bench, files, "theirs")


def _bare(bench: Bench, files: list[Path], name: str) -> float:
    home = bench.home(name)
    land(files, home)
    return seconds(lambda: bare_streams.run(bench.spark, home.landing / "sensor_readings", home.root / "tables"))


def _cold(scratch: Path, files: list[Path], *, compiler: str) -> tuple[float, float]:
    home = Home(scratch / "homes" / "cold")
    shutil.rmtree(home.root, ignore_errors=True)
    land(files, home)
    settings = _settings_with(compiler, scratch / "cold.yml")
    command = [sys.executable, "-m", "pipeline", "run", "--home", str(home.root), "--pipeline", str(settings), "--json"]
    return _measured(command)


def _settings_with(compiler: str, file: Path) -> Path:
    """Write the shipped settings with another compiler to a file, and return it."""
    settings: dict[str, Any] = yaml.safe_load(DEFAULT_SETTINGS.read_text(encoding="utf-8"))
    settings["spark"]["compiler"] = compiler
    for key in ("source", "expectations"):
        settings[key] = str((DEFAULT_SETTINGS.parent / settings[key]).resolve())
    file.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return file


def _polars(scratch: Path, files: list[Path]) -> tuple[float, float]:
    home = Home(scratch / "homes" / "polars")
    shutil.rmtree(home.root, ignore_errors=True)
    land(files, home)
    code = "import sys; from pathlib import Path; from bench.rivals import single_node; single_node.run(*map(Path, sys.argv[1:]))"
    return _measured([sys.executable, "-c", code, str(home.landing / "sensor_readings"), str(home.root / "tables")])


def _measured(command: list[str]) -> tuple[float, float]:
    peak = 0.0

    def run() -> None:
        nonlocal peak
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            peak = peak_gigabytes(process)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command)

    return seconds(run), peak
