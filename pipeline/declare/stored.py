"""A graph as it was last resolved, on disk, for commands that start no Spark."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from pipeline.declare.files_source import FilesSource  # noqa: TC001 - pydantic reads the annotation
from pipeline.foundation.durable_file import replace_file

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.declare.graph import Graph


@dataclass(frozen=True)
class StoredDataset:
    """What is kept of a declaration.

    Attributes:
        kind: The dataset's kind.
        location: Its file and line.
        quarantine: The table for its rejected rows, or None.
        expectations: Its suite, or None.
        files: The files that it reads, or None.
    """

    name: str
    kind: str
    location: str
    quarantine: str | None
    expectations: str | None
    files: FilesSource | None


_STORED = TypeAdapter(list[StoredDataset])


def store_graph(file: Path, graph: Graph) -> None:
    """Write a resolved graph, unless it is there as it is."""
    datasets = [
        StoredDataset(
            node.name, node.dataset.kind, str(node.dataset.location), node.dataset.quarantine,
            node.dataset.expectations, node.files,
        )
        for node in graph.nodes.values()
    ]  # fmt: skip
    if datasets != stored_graph(file):
        replace_file(file, json.dumps(_STORED.dump_python(datasets, mode="json"), indent=1))


def stored_graph(file: Path) -> list[StoredDataset]:
    """Return the datasets of the graph that was written last; none where there is none, or it cannot be read."""
    try:
        return _STORED.validate_json(file.read_bytes())
    except (OSError, ValueError):
        # The next update writes it anew.
        return []
