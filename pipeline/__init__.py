"""Declared tables over open formats: what a pipeline's author imports."""

from pipeline.declare.change_table import change_flow, change_table
from pipeline.declare.dataset import TimeWindow
from pipeline.declare.decorators import (
    append_flow,
    create_streaming_table,
    materialized_view,
    table,
    temporary_view,
)
from pipeline.declare.reading import read, read_files, read_quarantine, read_stream
from pipeline.declare.snapshot_table import snapshot_table

__all__ = [
    "TimeWindow",
    "append_flow",
    "change_flow",
    "change_table",
    "create_streaming_table",
    "materialized_view",
    "read",
    "read_files",
    "read_quarantine",
    "read_stream",
    "snapshot_table",
    "table",
    "temporary_view",
]
