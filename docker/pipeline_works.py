"""Exits with 0 if the page answers and its updates end in time."""

from __future__ import annotations

import json
import sys
import urllib.request
from pathlib import Path
from typing import Any

_GRAPH = "http://127.0.0.1:8000/api/graph"
_LONGEST_ANSWER_SECONDS = 15
_LONGEST_UPDATE_SECONDS = 300
# The first update since the container started; until it has ended, the pipeline has shown nothing.
_FIRST = Path("/tmp/first-update")  # noqa: S108 - the container has no other users


def main() -> int:
    """Ask the page, and print its answer."""
    with urllib.request.urlopen(_GRAPH, timeout=_LONGEST_ANSWER_SECONDS) as answer:
        graph = json.load(answer)
    print(json.dumps({"runner": graph["runner"], "update": graph["update"]}))
    return int(not _is_healthy(graph["runner"], graph["update"] or {}))


def _is_healthy(runner: dict[str, Any], update: dict[str, Any]) -> bool:
    if runner["problem"] or runner["update_id"] is None or update.get("failures"):
        return False
    if not _FIRST.exists():
        _FIRST.write_text(runner["update_id"], encoding="utf-8")
    has_worked = runner["state"] == "idle" or runner["update_id"] != _FIRST.read_text(encoding="utf-8")
    is_late = runner["state"] != "idle" and update.get("duration_seconds", 0) >= _LONGEST_UPDATE_SECONDS
    return has_worked and not is_late


if __name__ == "__main__":
    sys.exit(main())
