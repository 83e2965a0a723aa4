"""A page whose session the cluster ends after each update, in a process that had a session on this machine before.

PySpark needs a main module that is a file, so that a test runs this one with `python -m`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from pipeline.foundation.clock import SystemClock
from pipeline.home.places import Home
from pipeline.page.runner import Runner
from pipeline.selection import Selection
from pipeline.settings import load_settings
from pipeline.spark.session import build_session, running_session
from pipeline.spark_settings import SparkSettings


def main(folder: Path, secret: bytes) -> None:
    """Run an update for each landed file; the names of files that have not arrived yet begin with a dot."""
    local = build_session(Home(folder / "local"), SparkSettings(cores=1))
    assert local.range(4).count() == 4
    local.stop()
    home = Home(folder / "page")
    settings = load_settings()
    cluster = settings.spark.with_environment(os.environ)
    runner = Runner(home, settings, SystemClock(), lambda: build_session(home, cluster))
    for draft in sorted((home.landing / "sensor_readings").glob(".*.json")):
        draft.rename(draft.with_name(draft.name.removeprefix(".")))
        assert runner.run(Selection()) == [], runner.status()
        spark: Any = running_session()
        assert spark.sparkContext.master == cluster.master
        assert not [line for line in command_lines() if secret in line]
        # As Spark does when the master has removed the application.
        spark.sparkContext._jsc.sc().stop()
    runner.close()


def command_lines() -> list[bytes]:
    """Return the command lines of this machine's processes, as every user can read them."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(file.read_bytes())
        except OSError:
            continue
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]).read_bytes().strip())
