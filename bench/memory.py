"""The memory of a process and of all that it has started."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable

_SECONDS_BETWEEN_LOOKS = 0.2


def resident_gigabytes(pid: int) -> float:
    """Return what a process and its descendants hold in memory now."""
    total = 0
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    for member in family:
        try:
            # Pages that several workers share count once for each sharer's part.
            total += member.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total / 1e9


def peak_gigabytes(process: subprocess.Popen[bytes], look: Callable[[float], None] | None = None) -> float:
    """Return the most memory that a process and its descendants held until it ended."""
    peak = 0.0
    while True:
        now = resident_gigabytes(process.pid)
        peak = max(peak, now)
        if look:
            look(now)
        try:
            process.wait(_SECONDS_BETWEEN_LOOKS)
        except subprocess.TimeoutExpired:
            continue
        return peak
