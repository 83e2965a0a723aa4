"""What is measured, in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.cells import changes, cluster, dashboard, growth, one_update, rules, stream, whole_pipeline

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.result import Result
    from bench.size import Size


@dataclass(frozen=True)
class Cell:
    """One measurement.

    Attributes:
        about: What it measures, in a few words.
        measure: Does it, given the size and a scratch folder that all cells of a run share.
        is_warm: Whether it does so in a Spark session of this process.
    """

    about: str
    measure: Callable[[Size, Path], list[Result]]
    is_warm: bool = True


CELLS = {
    "cold-update": Cell("one update of 500 readings, from process start to exit", one_update.cold, is_warm=False),
    "warm-update": Cell("the same in a warm session", one_update.in_warm_session),
    "pipeline": Cell("the whole pipeline against bare streams", whole_pipeline.against_bare_streams),
    "one-node": Cell("a cold update against one node in memory", whole_pipeline.against_one_node, is_warm=False),
    "growth": Cell("10,000 new readings on ever larger tables", growth.on_large_tables),
    "small-files": Cell("thousands of small files", growth.of_small_files),
    "expectations": Cell("5, 20 and 50 rules against none", rules.of_many_rules),
    "changes": Cell("10,000 changes of a million keys against a MERGE by hand", changes.against_merges),
    "continuous": Cell("files landing every second, until their rows are in gold", stream.continuous, is_warm=False),
    "warehouse": Cell("each chart of the factory floor against DuckDB", dashboard.of_the_floor),
    "cluster": Cell("a standalone cluster against one machine", cluster.against_one_machine, is_warm=False),
    "pipeline-large": Cell(
        "tens of millions of readings against bare streams", whole_pipeline.against_bare_streams_when_large
    ),
}
