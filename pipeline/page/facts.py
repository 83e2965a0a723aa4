"""What the page's API answers with."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads it at run time
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Refusal(BaseModel):
    """Why something was not done, and what helps."""

    problem: str
    remedy: str


class Check(BaseModel):
    """Whether rows in are rows out.

    Attributes:
        state: `open` while rows are still under way.
    """

    state: Literal["holds", "broken", "open"]
    text: str


class Conservation(Check):
    """A node's balance in one line, and the checks behind it."""

    checks: list[Check] = []


class FileCounts(BaseModel):
    """The files of a landing folder: listed = ingested + waiting + set aside, and those overwritten or gone."""

    listed: int = 0
    ingested: int = 0
    waiting: int = 0
    set_aside: int = 0
    rows: int = Field(default=0, description="Rows that all files together have brought.")
    ingested_now: int = Field(default=0, description="Ingested by the update that is shown.")


class NodeFacts(BaseModel):
    """A dataset, or a landing folder, in one update."""

    name: str
    type: str = Field(description="streaming_table, materialized_view, temporary_view or files")
    quarantine_of: str | None = None
    comment: str = ""
    inputs: list[str] = []
    x: float = Field(default=0, description="The left edge of its card.")
    y: float = Field(default=0, description="The top edge of its card.")
    status: str = ""
    seconds: float | None = None
    rows_in: int = 0
    rows_written: int = 0
    rows_deleted: int = 0
    rows_dropped: int = 0
    rows_warned: int = 0
    rows_total: int = Field(default=0, description="Rows written less rows deleted, over all updates.")
    notes: list[str] = []
    error: str | None = None
    skipped_because: str | None = None
    files: FileCounts | None = None
    conservation: Conservation | None = None


class EdgeFacts(BaseModel):
    """What flows from one node to another.

    Attributes:
        kind: `rejected` where the rows are those that the source's expectations left out.
        rows: How many the update carried along it; None where a table's several inputs are counted together.
        points: The places that the line passes through.
    """

    source: str
    target: str
    kind: Literal["flow", "rejected"]
    rows: int | None
    points: list[tuple[float, float]]


class Board(BaseModel):
    """The size of a graph, and of the cards on it."""

    width: float
    height: float
    card_width: float
    card_height: float


class UpdateFacts(BaseModel):
    """One update."""

    update_id: str
    state: str
    cause: str = ""
    run_as: str = ""
    created_at: datetime | None = None
    ended_at: datetime | None = None
    duration_seconds: float | None = Field(default=None, description="So far, while it runs.")
    is_live: bool = False
    is_newest: bool = False
    rows_in: int = 0
    rows_written: int = 0
    rows_dropped: int = 0
    rows_warned: int = 0
    failures: list[str] = Field(default=[], description="Tables whose flows failed.")
    errors: list[str] = []
    selection: dict[str, Any] = {}


class UpdateInFull(UpdateFacts):
    """One update with its tables."""

    nodes: list[NodeFacts] = []


class RunnerFacts(BaseModel):
    """What the page's own process does, and who else holds the lakehouse."""

    state: Literal["idle", "running", "stopping", "dry run"] = "idle"
    update_id: str | None = None
    warm: bool = False
    held_by: str | None = None
    problem: str | None = None
    remedy: str | None = None


class GraphFacts(BaseModel):
    """A pipeline's graph as one update left it, or as it is right now."""

    pipeline: str
    home: str
    update: UpdateFacts | None = None
    nodes: list[NodeFacts] = []
    edges: list[EdgeFacts] = []
    board: Board | None = None
    runner: RunnerFacts = RunnerFacts()
    waiting_files: int = 0
    declared: list[str] = Field(default=[], description="Declared datasets, where no update has run yet.")


class StartRequest(BaseModel):
    """What an update is to do; `{}` is a triggered refresh of all tables."""

    model_config = ConfigDict(extra="forbid")

    refresh: list[str] = Field(default=[], description="Only these tables, with what they need.")
    full_refresh: list[str] = Field(default=[], description="These are emptied first, with everything downstream.")
    full_refresh_all: bool = Field(default=False, description="Every table is emptied first.")


class Started(BaseModel):
    """An update that has begun."""

    update_id: str


class DryRun(BaseModel):
    """What a dry run found."""

    ready: bool
    tables: list[dict[str, Any]] = []
    problem: str | None = None
    remedy: str | None = None


class EventFacts(BaseModel):
    """One event of the log."""

    id: str
    sequence: int
    timestamp: datetime
    level: str
    event_type: str
    message: str
    origin: dict[str, Any]
    details: dict[str, Any]
    error: dict[str, Any] | None = None


class EventPage(BaseModel):
    """Events, newest first."""

    events: list[EventFacts]
    has_older: bool = Field(description="Whether more events fit than are given.")
    types: list[str] = Field(description="The event types that the log knows.")
