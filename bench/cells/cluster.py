"""A standalone cluster against one machine with the same cores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.lake import warm
from bench.result import Result
from bench.size import MANY, label
from bench.standalone import Standalone
from pipeline.home.places import Home

if TYPE_CHECKING:
    from pathlib import Path

    from bench.lake import Bench
    from bench.size import Size

TARGET = 1.3
_CORES = 2
_DEVICES = 5_000


def against_one_machine(size: Size, scratch: Path) -> list[Result]:
    """Measure an update on two workers of one core each against `local[2]`, and each worker's share of the tasks."""
    readings = min(MANY, *size.large)
    with warm(scratch, size, master=f"local[{_CORES}]") as bench:
        theirs = _seconds(bench, size, readings)
    bench.spark.stop()
    home = Home(scratch / "session")
    home.make_writable()
    cluster = Standalone(home, scratch / "cluster")
    (scratch / "cluster").mkdir(parents=True, exist_ok=True)
    try:
        cluster.start(workers=_CORES)
        with warm(scratch, size, master=cluster.address) as bench:
            ours = _seconds(bench, size, readings)
            shares = _shares(bench)
        bench.spark.stop()
    finally:
        cluster.stop()
    note = "tasks of each worker: " + ", ".join(f"{share:.0%}" for share in shares)
    name = f"cluster_{label(readings)}"
    return [Result.of(name, ours, rival=f"local[{_CORES}]", theirs=theirs, target=TARGET, note=note)]


def _seconds(bench: Bench, size: Size, readings: int) -> list[float]:
    files = bench.stock.of(readings, devices=_DEVICES)
    return [bench.timed_update(bench.home("cluster"), files) for _ in range(size.runs(readings))]


def _shares(bench: Bench) -> list[float]:
    """Return each executor's share of the tasks that have run."""
    store = bench.spark.sparkContext._jsc.sc().statusStore()  # noqa: SLF001
    executors = store.executorList(False)
    tasks = [executors.apply(at).totalTasks() for at in range(executors.size())]
    worked = sorted(count for count in tasks if count)
    return [count / sum(worked) for count in worked]
