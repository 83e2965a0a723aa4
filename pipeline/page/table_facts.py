"""The page API's answer about one table."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads it at run time
from typing import Any

from pydantic import BaseModel, Field

from pipeline.events.history import RuleOutcome  # noqa: TC001 - as above
from pipeline.page.facts import NodeFacts, UpdateFacts  # noqa: TC001 - as above
from pipeline.page.source_code import SourceCode  # noqa: TC001 - as above


class RuleFacts(BaseModel):
    """An expectation's result in the update that is shown, and in past updates, oldest first."""

    name: str
    action: str
    why: str = ""
    passed: int = 0
    failed: int = 0
    series: list[RuleOutcome] = []


class AddedColumn(BaseModel):
    """A column that a version added, and the file that brought it."""

    name: str
    type: str | None = None
    brought_by: str | None = None


class SchemaVersionFacts(BaseModel):
    """The changes of one schema version."""

    version: int
    at: datetime | None
    added: list[AddedColumn]
    removed: list[str] = []


class FilesFacts(BaseModel):
    """The files that a table was read from, newest first."""

    total: int
    states: dict[str, int]
    newest: list[dict[str, Any]]


class ReasonFacts(BaseModel):
    """The number of rejected rows that violate an expectation."""

    name: str
    rows: int


class TableFacts(BaseModel):
    """Everything about one table."""

    node: NodeFacts
    update: UpdateFacts | None = None
    columns: list[dict[str, Any]] = []
    schema_versions: list[SchemaVersionFacts] = []
    expectations: list[RuleFacts] = []
    rows: list[dict[str, Any]] = Field(default=[], description="Some of the newest rows.")
    reasons: list[ReasonFacts] = []
    files: FilesFacts | None = None
    history: list[dict[str, Any]] = []
    source: SourceCode | None = None
