"""A small pipeline that tests write: changes of devices, and the registry that they make."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.quality.suite_files import write_suite

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.conftest import TestLakehouse
    from tests.flows.changes_reference import Event

_HEAD = """
from pyspark.sql import functions as F

from pipeline import (
    change_flow, change_table, materialized_view, read, read_files, read_quarantine, read_stream, table, temporary_view
)

"""
RAW = """
@table
def changes():
    return read_files("changes", schema_hints="key STRING, number INT, operation STRING, floor STRING, model STRING, "
        "`limit` INT", max_files_per_trigger=1)

"""
REGISTRY = """
@change_table(source="changes", keys=["key"], sequence_by="number", except_column_list=["number", "operation"],
    {options})
def registry():
    "What each device is."
"""
DELETES = "apply_as_deletes=\"operation = 'delete'\""


def registry(
    lakehouse: TestLakehouse, folder: Path, options: str = "", *, more: str = "", raw: str = RAW, **suites: Any
) -> TestLakehouse:
    """Return a lakehouse whose `registry` is made of `changes`, with further options and tables."""
    (folder / "suites").mkdir(exist_ok=True)
    for name, expectations in suites.items():
        write_suite(folder / "suites", name, *expectations)
    source = _HEAD + raw + REGISTRY.format(options=options) + more
    (folder / "registry.py").write_text(source, encoding="utf-8")
    settings = folder / "registry.yml"
    settings.write_text("name: R\nschema: plant\nsource: registry.py\nexpectations: suites\n", encoding="utf-8")
    return replace(lakehouse, settings_file=settings)


def land_changes(home: TestLakehouse, name: str, events: Iterable[Event], folder: str = "changes") -> Path:
    """Land changes as a file."""
    operations = ("upsert", "delete", "truncate")
    return home.land(name, [
        {
            "key": event.key or None,
            "number": event.sequence,
            "operation": operations[event.operation],
            **dict(zip(("floor", "model", "limit"), event.values, strict=True)),
        }
        for event in events
    ], folder=folder)  # fmt: skip


def stored(home: TestLakehouse, *columns: str, of_versions: bool = False) -> list[tuple[Any, ...]]:
    """Return the registry's rows, sorted."""
    times = ("__START_AT", "__END_AT") if of_versions else ()
    names = (*(columns or ("key", "floor", "model", "limit")), *times)
    return sorted((tuple(row[name] for name in names) for row in home.rows("registry")), key=str)
