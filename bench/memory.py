"""The memory of a process and its descendants."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable

_SECONDS_BETWEEN_LOOKS = 0.2


def resident_gigabytes(pid: int) -> float:
    """Return the memory that a process and its descendants use now."""
    total = 0
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    for member in family:
        try:
            # Each worker counts only its share of the pages that several workers share.
            total += member.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total / 1e9


def peak_gigabytes(process: subprocess.Popen[bytes], look: Callable[[float], None] | None = None) -> float:
    """Return the peak memory of a process and its descendants, once it has ended."""
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
