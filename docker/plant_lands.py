"""Exits with 0 if the plant lands files: the newest one is younger than a minute plus three intervals."""

from __future__ import annotations

import os
import sys

from generators.landing import landing_folder
from pipeline.foundation.clock import SystemClock, parse_duration

_GRACE_SECONDS = 60


def main() -> int:
    """Compare the time of the landing folder's last change with now. An idle plant is always healthy."""
    if float(os.environ["GENERATOR_RATE"]) == 0:
        return 0
    longest = _GRACE_SECONDS + 3 * parse_duration(os.environ["GENERATOR_INTERVAL"]).total_seconds()
    silence = SystemClock().now().timestamp() - landing_folder().stat().st_mtime
    print(f"The landing zone last changed {silence:.0f} s ago; at most {longest:.0f} s are allowed.")
    return int(silence > longest)


if __name__ == "__main__":
    sys.exit(main())
