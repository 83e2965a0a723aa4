"""The answers of the page's API."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads it at run time
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from pipeline.page.runner import RunnerStatus


class Refusal(BaseModel):
    """Why a request was refused, and what helps."""

    problem: str
    remedy: str


class Check(BaseModel):
    """Whether every row that came in is accounted for.

    Attributes:
        state: `open` while rows are still being processed.
    """

    state: Literal["holds", "broken", "open"]
    text: str


class Conservation(Check):
    """The most important check of a node, and its other checks."""

    checks: list[Check] = []


class FileCounts(BaseModel):
    """The files of a landing folder, by state; `listed` also counts files that were overwritten or deleted."""

    listed: int = 0
    ingested: int = 0
    waiting: int = 0
    set_aside: int = 0
    ignored: int = 0
    rows: int = Field(default=0, description="Rows read from all files.")
    ingested_now: int = Field(default=0, description="Files ingested by the update that is shown.")


class NodeFacts(BaseModel):
    """A dataset, a landing folder, or a group of folded ones in one update."""

    name: str
    type: str = Field(description="streaming_table, materialized_view, temporary_view, files or group")
    members: list[str] = Field(default=[], description="What a group stands for.")
    recent: list[int] = Field(default=[], description="Rows written by the updates up to this one, oldest first.")
    quarantine_of: str | None = None
    comment: str = ""
    inputs: list[str] = []
    kept: str = Field(default="", description="How it is kept equal to its query, in a few words.")
    kept_because: str = Field(default="", description="Why, in a sentence.")
    x: float = Field(default=0, description="The left edge of its card.")
    y: float = Field(default=0, description="The top edge of its card.")
    status: str = ""
    seconds: float | None = None
    rows_in: int = 0
    rows_written: int = 0
    rows_deleted: int = 0
    rows_dropped: int = 0
    rows_warned: int = 0
    rows_total: int = Field(default=0, description="Rows written minus rows deleted, in all updates.")
    notes: list[str] = []
    error: str | None = None
    skipped_because: str | None = None
    files: FileCounts | None = None
    conservation: Conservation | None = None


class EdgeFacts(BaseModel):
    """Rows flow from one node to another.

    Attributes:
        kind: `rejected` if the rows are those that the source's expectations dropped.
        rows: How many rows flowed in the update; None if the target has several inputs, which are counted together.
        points: The points that the line passes through.
    """

    source: str
    target: str
    kind: Literal["flow", "rejected"]
    rows: int | None
    points: list[tuple[float, float]]


class Board(BaseModel):
    """The size of a graph and of its cards."""

    width: float
    height: float
    card_width: float
    card_height: float


class GroupFacts(BaseModel):
    """Tables that one card can stand for: those of a schema or a tier, or the landing folders."""

    name: str
    tables: int
    is_folded: bool


class UpdateFacts(BaseModel):
    """One update."""

    update_id: str
    state: str
    cause: str = ""
    run_as: str = ""
    created_at: datetime | None = None
    ended_at: datetime | None = None
    duration_seconds: float | None = Field(default=None, description="The time so far while the update runs.")
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


class GraphFacts(BaseModel):
    """A pipeline's graph as one update left it, or as it is now."""

    pipeline: str
    home: str
    update: UpdateFacts | None = None
    nodes: list[NodeFacts] = []
    edges: list[EdgeFacts] = []
    groups: list[GroupFacts] = []
    board: Board | None = None
    runner: RunnerStatus = RunnerStatus()
    waiting_files: int = 0
    declared: list[str] = Field(default=[], description="Declared datasets, if no update has run yet.")


class StartRequest(BaseModel):
    """What an update should do; `{}` refreshes all tables."""

    model_config = ConfigDict(extra="forbid")

    refresh: list[str] = Field(default=[], description="Refresh only these tables and their inputs.")
    full_refresh: list[str] = Field(default=[], description="Empty these tables and everything downstream first.")
    full_refresh_all: bool = Field(default=False, description="Empty every table first.")


class Started(BaseModel):
    """An update that was started or stopped."""

    update_id: str


class DryRun(BaseModel):
    """The result of a dry run."""

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
    has_older: bool = Field(description="Whether older events match too.")
    types: list[str] = Field(description="The event types to choose from.")
