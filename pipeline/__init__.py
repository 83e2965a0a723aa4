"""Declared tables over open formats: what a pipeline's author imports."""

from pipeline.declare import (
    materialized_view,
    read,
    read_files,
    read_quarantine,
    read_stream,
    table,
    temporary_view,
)

__all__ = [
    "materialized_view",
    "read",
    "read_files",
    "read_quarantine",
    "read_stream",
    "table",
    "temporary_view",
]
