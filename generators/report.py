"""What a command prints when it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from generators.readings import HOT_ABOVE_CELSIUS

if TYPE_CHECKING:
    from pathlib import Path

    from generators.faults import Fault
    from generators.landed import Landed


def landed_facts(act: str, folder: Path, landed: Landed) -> dict[str, Any]:
    """Return what an act landed, for `--json`: the counts are the truth about the files it names."""
    return {
        "act": act,
        "folder": str(folder),
        "files": [path.name for path in landed.files],
        "readings": landed.readings,
        "anomalous": landed.anomalous,
        "missing_device_id": landed.missing_device_id,
        "hot": landed.hot,
        "hot_with_device_id": landed.hot_with_device_id,
    }


def landed_line(act: str, folder: Path, landed: Landed) -> str:
    """Return what an act landed, for a reader."""
    return (
        f"{act}: {_counted(len(landed.files), 'file')}, {_counted(landed.readings, 'reading')} "
        f"({landed.anomalous:,} anomalous, {landed.hot:,} over {HOT_ABOVE_CELSIUS:g} °C, "
        f"{landed.missing_device_id:,} without device_id) in {folder}"
    )


def fault_facts(folder: Path, faults: list[tuple[Fault, Path]]) -> dict[str, Any]:
    """Return which faults were landed or returned to, for `--json`."""
    return {
        "act": "faults",
        "folder": str(folder),
        "files": [path.name for _, path in faults],
        "faults": [
            {
                "name": fault.name,
                "description": fault.description,
                "file": path.name,
                "good_records": fault.good_records,
                "corrupt_records": fault.corrupt_records,
                "violates": fault.violates,
                "sets_aside": fault.sets_aside,
            }
            for fault, path in faults
        ],
    }


def print_faults(folder: Path, faults: list[tuple[Fault, Path]]) -> None:
    """Print which faults were landed or returned to, for a reader."""
    table = Table("fault", "what it is", box=None, pad_edge=False)
    for fault, _ in faults:
        table.add_row(Text(fault.name), Text(fault.description))
    console = Console(highlight=False)
    console.print(table)
    console.print(Text(f"faults: {_counted(len(faults), 'file')} in {folder}"), soft_wrap=True)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
