"""A poller to be killed: the real loop over a warehouse in a file."""

from __future__ import annotations

import sys
import threading
from datetime import timedelta
from pathlib import Path

from alerts.poller import Poller
from alerts.settings import find_destinations
from pipeline.foundation.clock import SystemClock
from tests.alerts.doubles import FileWarehouse, alert_of, settings_of


def main(home: Path, state: Path, url: str) -> None:
    """Evaluate twenty times a second until killed, and print a line for each evaluation."""
    settings = settings_of(home, alert_urls=url)
    never = threading.Event()
    Poller(
        [alert_of(schedule={"every": "0.05s"})],
        FileWarehouse(state),
        settings,
        SystemClock(),
        find=lambda _: find_destinations(settings, ()),
        wait=lambda span: never.wait(span / timedelta(seconds=1)),
        report=lambda _, outcome: print(type(outcome).__name__, flush=True),  # noqa: T201 - the test waits for it
    ).run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
