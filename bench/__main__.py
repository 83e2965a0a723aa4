"""`python -m bench`: measures, prints as it goes, and writes the results as JSON and as a picture."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from bench.catalogue import CELLS
from bench.machine import machine, versions
from bench.picture import draw
from bench.size import FULL, QUICK
from bench.table import results_table
from pipeline.foundation.command_line import run_command
from pipeline.foundation.errors import DataError, UnknownNameError
from pipeline.home.places import CHECKOUT

RESULTS = CHECKOUT / "bench" / "results"
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


class CellFailedError(DataError):
    """A measurement failed."""

    def __init__(self, cells: list[str]) -> None:
        super().__init__(f"Not measured: {', '.join(cells)}.", "Read above what stopped them, then measure again.")


@app.command()
def measure(
    quick: Annotated[bool, typer.Option("--quick", help="Small sizes, each once; the times say little.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="A measurement; give the option again for more.")] = None,
    most_runs: Annotated[int, typer.Option(help="How often anything is repeated at most.", min=1)] = FULL.most_runs,
    output: Annotated[Path, typer.Option(help="The folder for latest.json and latest.svg.")] = RESULTS,
    scratch: Annotated[Path | None, typer.Option(help="Where lakehouses are filled; else a temporary folder.")] = None,
) -> None:
    """Measure the pipeline against its rivals, each measurement in its own process."""
    console = Console(width=None if sys.stdout.isatty() else 140)
    for name in only or ():
        if name not in CELLS:
            raise UnknownNameError("measurement", name, CELLS, "bench")
    facts: list[dict[str, object]] = []
    failed = []
    about = {"machine": machine(), "versions": versions(), "quick": quick}
    earlier = _results_so_far(output, about) if only else []
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="smart-factory-bench-", dir=scratch) as folder:
        for names in _groups(only or list(CELLS), quick=quick):
            for name in names:
                console.print(f"[bold]{name}[/] {CELLS[name].about}", highlight=False)
            begin = time.perf_counter()
            found = _in_own_process(names, Path(folder), quick=quick, most_runs=most_runs)
            if found is None:
                failed += names
                continue
            facts += found
            console.print(results_table(found))
            console.print(f"[dim]{time.perf_counter() - begin:.0f} s[/]", highlight=False)
            # Written after each measurement: if one fails, the earlier results remain.
            new = {fact["name"] for fact in facts}
            results = [fact for fact in earlier if fact["name"] not in new] + facts
            report = json.dumps({**about, "results": results}, indent=2)
            (output / "latest.json").write_text(report + "\n", encoding="utf-8")
            draw(results, output / "latest.svg")
    console.print(f"Written: {output / 'latest.json'} and latest.svg")
    if failed:
        raise CellFailedError(failed)


@app.command(hidden=True)
def cell(
    names: list[str], scratch: Annotated[Path, typer.Option()], output: Annotated[Path, typer.Option()],
    quick: Annotated[bool, typer.Option("--quick")] = False, most_runs: Annotated[int, typer.Option()] = FULL.most_runs,
) -> None:  # fmt: skip
    """Measure these cells and write their results."""
    size = QUICK if quick else FULL
    size = replace(size, most_runs=min(size.most_runs, most_runs))
    results = [result for name in names for result in CELLS[name].measure(size, scratch)]
    output.write_text(json.dumps([result.facts() for result in results]), encoding="utf-8")


def _groups(names: list[str], *, quick: bool) -> list[list[str]]:
    """Return which measurements share a process: none, except that quick runs share a warm session."""
    if not quick:
        return [[name] for name in names]
    warm = [name for name in names if CELLS[name].is_warm]
    return [group for group in [warm, *([name] for name in names if name not in warm)] if group]


def _results_so_far(output: Path, about: dict[str, object]) -> list[dict[str, object]]:
    """Return the results of earlier runs on this machine with the same versions; new ones are added to them."""
    file = output / "latest.json"
    if not file.exists():
        return []
    report: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return report["results"] if all(report.get(key) == value for key, value in about.items()) else []


def _in_own_process(names: list[str], folder: Path, *, quick: bool, most_runs: int) -> list[dict[str, object]] | None:
    """Measure cells in a new process and return their results; None if one failed."""
    output = folder / f"{names[0]}.json"
    command = [
        sys.executable, "-m", "bench", "cell", *names, "--scratch", str(folder), "--output", str(output),
        "--most-runs", str(most_runs), *(["--quick"] if quick else []),
    ]  # fmt: skip
    if subprocess.run(command, cwd=CHECKOUT, check=False).returncode:
        return None
    results: list[dict[str, object]] = json.loads(output.read_text(encoding="utf-8"))
    return results


if __name__ == "__main__":
    # Without a command, measure everything; typer would ask for a command's name.
    words = sys.argv[1:]
    sys.exit(run_command(app, "python -m bench", words if words[:1] == ["cell"] else ["measure", *words]))
