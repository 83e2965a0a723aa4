"""The machine and the versions that the measurements ran on."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version

import psutil

from pipeline.spark.session import java_version

_PACKAGES = ("pyspark", "delta-spark", "deltalake", "great-expectations", "pyarrow", "polars", "duckdb")


def machine() -> dict[str, object]:
    """Return the machine's processor, cores, memory and system."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gigabytes": round(psutil.virtual_memory().total / 1e9),
        # Without the kernel's build, which changes although the machine does not.
        "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])} {platform.machine()}",
    }


def versions() -> dict[str, str]:
    """Return the versions of the packages that take part."""
    packages = {name: version(name) for name in _PACKAGES}
    return {"python": platform.python_version(), "java": str(java_version()), **packages}


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123 - not a project file
            return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
