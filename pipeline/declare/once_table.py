"""Tables that hold the rows of a flow that runs once, for the table that gets them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pipeline.declare.dataset import Dataset
from pipeline.declare.reading import read_stream

if TYPE_CHECKING:
    from pipeline.declare.dataset import Query, Registry, SourceLocation


def read_once(registry: Registry, target: str, name: str, query: Query, location: SourceLocation) -> Query:
    """Declare a table for rows that a query gives once, and return a query that reads it as a stream.

    Args:
        registry: The declarations.
        target: The table that gets the rows.
        name: The flow's name; empty where it has none.
        query: Returns the rows, read whole.
        location: Where the flow is declared.
    """
    number = sum(dataset.once_for == target for dataset in registry.datasets.values()) + 1
    table = f"{target}__once_{name or number}"
    comment = f"What a flow that runs once gives {target}"
    registry.register(Dataset(table, "streaming_table", query, comment, location, once_for=target))
    return partial(read_stream, table)
