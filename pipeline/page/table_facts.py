"""What the page's API answers of one table."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads it at run time
from typing import Any

from pydantic import BaseModel, Field

from pipeline.page.facts import NodeFacts, UpdateFacts  # noqa: TC001 - as above


class RulePoint(BaseModel):
    """What an expectation showed in one update."""

    update_id: str
    at: datetime
    passed: int
    failed: int


class RuleFacts(BaseModel):
    """An expectation, in the update that is shown and over past ones, oldest first."""

    name: str
    action: str
    why: str = ""
    passed: int = 0
    failed: int = 0
    series: list[RulePoint] = []


class AddedColumn(BaseModel):
    """A column that a version brought, and the file that brought it."""

    name: str
    type: str | None = None
    brought_by: str | None = None


class SchemaVersionFacts(BaseModel):
    """What changed with a version of a schema."""

    version: int
    at: datetime | None
    added: list[AddedColumn]
    removed: list[str] = []


class FilesFacts(BaseModel):
    """The files behind a table, newest first."""

    total: int
    states: dict[str, int]
    newest: list[dict[str, Any]]


class ReasonFacts(BaseModel):
    """How many rejected rows violate an expectation."""

    name: str
    rows: int


class SourceFacts(BaseModel):
    """A declaration as it stands in its file."""

    file: str
    line: int
    text: str


class TableFacts(BaseModel):
    """Everything behind one table."""

    node: NodeFacts
    update: UpdateFacts | None = None
    columns: list[dict[str, Any]] = []
    schema_versions: list[SchemaVersionFacts] = []
    expectations: list[RuleFacts] = []
    rows: list[dict[str, Any]] = Field(default=[], description="Some of the rows written last.")
    reasons: list[ReasonFacts] = []
    files: FilesFacts | None = None
    history: list[dict[str, Any]] = []
    source: SourceFacts | None = None
