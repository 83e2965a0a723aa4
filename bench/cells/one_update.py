"""One update of a batch as in the demo: as a process from start to exit, and in a warm session."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from bench.lake import warm
from bench.readings import Stock, land
from bench.result import Result
from bench.stopwatch import alternating, seconds
from pipeline.home.places import CHECKOUT, Home

if TYPE_CHECKING:
    from bench.size import Size

READINGS, FILES = 500, 5
COLD_TARGET = 0.6
WARM_TARGET_SECONDS = 3.0
_RIVAL = Path(__file__).resolve().parent.parent / "rivals" / "declarative"


def cold(size: Size, scratch: Path) -> list[Result]:
    """Measure `python -m pipeline run` against `spark-pipelines run`, each from process start to exit."""
    stock = Stock(scratch / "readings")
    (scratch / "readings").mkdir(parents=True, exist_ok=True)
    files = stock.of(READINGS, files=FILES)
    ours, theirs = alternating(
        size.runs(READINGS), lambda _: _ours(scratch, files), lambda _: _declarative(scratch, files)
    )
    rival = "spark-pipelines run, parquet"
    return [Result.of("cold_update", ours, rival=rival, theirs=theirs, target=COLD_TARGET)]


def in_warm_session(size: Size, scratch: Path) -> list[Result]:
    """Measure the same update in a running session, as the page and the continuous mode have one."""
    with warm(scratch, size, compiler="quick") as bench:
        files = bench.stock.of(READINGS, files=FILES)
        (taken,) = alternating(
            size.runs(READINGS), lambda number: bench.timed_update(bench.home(f"warm-{number}"), files)
        )
    return [Result.of("warm_update", taken, target=WARM_TARGET_SECONDS)]


def _fresh(scratch: Path, name: str, files: list[Path]) -> Home:
    home = Home(scratch / "homes" / name)
    shutil.rmtree(home.root, ignore_errors=True)
    land(files, home)
    return home


def _ours(scratch: Path, files: list[Path]) -> float:
    home = _fresh(scratch, "cold", files)
    command = [sys.executable, "-m", "pipeline", "run", "--home", str(home.root)]
    return seconds(lambda: subprocess.run(command, cwd=CHECKOUT, check=True, stdout=subprocess.DEVNULL))


def _declarative(scratch: Path, files: list[Path]) -> float:
    home = _fresh(scratch, "declarative", files)
    project = home.root / "project"
    shutil.copytree(_RIVAL, project)
    spec = project / "spark-pipeline.yml"
    places = {
        "STORAGE": (home.root / "storage").as_uri(),
        "LANDING": str(home.landing / "sensor_readings"),
    }
    spec.write_text(Template(spec.read_text(encoding="utf-8")).substitute(places), encoding="utf-8")
    command = [str(Path(sys.executable).parent / "spark-pipelines"), "run", "--spec", str(spec)]
    environment = {key: value for key, value in os.environ.items() if key != "SPARK_HOME"}
    environment |= {"SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}

    def run() -> None:
        with (home.root / "log.txt").open("wb") as log:
            subprocess.run(command, cwd=project, check=True, stdout=log, stderr=log, env=environment)

    return seconds(run)
