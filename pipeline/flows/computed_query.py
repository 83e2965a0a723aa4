"""The query that a view's rows come from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pipeline.foundation.durable_file import replace_file
from pipeline.plans.plan import pruned_plan_of, signature

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame

_FILE = "view.json"


class ComputedQuery:
    """Remembers beside a view's checkpoint which query its rows come from.

    A query is known by its plan. What a Python function does that it calls is not compared.

    Args:
        folder: Where it is remembered.
        frame: The result of the query over empty frames of its sources.
        sources: The tables that it reads.
    """

    def __init__(self, folder: Path, frame: DataFrame, sources: list[str]) -> None:
        self._file = folder / _FILE
        self._now = {"query": signature(pruned_plan_of(frame)), "sources": sources}

    def is_current(self) -> bool:
        """Return whether the rows come from the query as it is now; not if that is unknown."""
        return self._recorded() == self._now

    def former_sources(self) -> list[str] | None:
        """Return the tables that the query read that the rows come from, or None if that is unknown."""
        return self._recorded().get("sources")

    def record(self) -> None:
        """Remember that the rows come from the query as it is now."""
        if not self.is_current():
            # Without the file the view is computed once more.
            replace_file(self._file, json.dumps(self._now), durable=False)

    def _recorded(self) -> dict[str, Any]:
        try:
            recorded = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return recorded if isinstance(recorded, dict) else {}
