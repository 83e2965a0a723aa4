"""The page's API: `/api/…`, always JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator  # noqa: TC003 - FastAPI reads it at run time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Body, Depends, Query, Request
from fastapi.security import APIKeyHeader
from fastapi.sse import EventSourceResponse, ServerSentEvent

from pipeline.events.history import UnknownUpdateError
from pipeline.foundation.errors import AuthorError, PipelineBusyError
from pipeline.page.alerts import alert_states
from pipeline.page.changes import Changes
from pipeline.page.events import EventQuery  # noqa: TC001 - FastAPI reads it at run time
from pipeline.page.facts import (
    DryRun,
    EventPage,
    GraphFacts,
    Refusal,
    Started,
    StartRequest,
    UpdateFacts,
    UpdateInFull,
)
from pipeline.page.guard import TOKEN_HEADER
from pipeline.page.table_facts import TableFacts  # noqa: TC001 - FastAPI reads it at run time
from pipeline.selection import Selection

if TYPE_CHECKING:
    from pipeline.home.schema_places import SchemaPlaces
    from pipeline.page.graph import GraphReader
    from pipeline.page.runner import Runner
    from pipeline.page.table import TableReader


@dataclass
class Page:
    """What the API builds its answers from.

    Attributes:
        ending: Whether the server is stopping, so that streams must end.
        reading: Lets few requests read tables or many events at the same time.
    """

    graphs: GraphReader
    tables: TableReader
    runner: Runner
    ending: bool = False

    def __post_init__(self) -> None:
        self.changes = Changes(self.schema, self.runner)
        self.reading = CapacityLimiter(_FEW_READS)

    @property
    def schema(self) -> SchemaPlaces:
        """The places of the pipeline's schema."""
        return self.graphs.home.schema(self.graphs.settings.target_schema)


def _page(request: Request) -> Page:
    page: Page = request.app.state.page
    return page


PageOf = Annotated[Page, Depends(_page)]
UpdateOf = Annotated[str | None, Query(description="An update's id, or its first characters. Default: the newest.")]
UnfoldedOf = Annotated[
    list[str] | None,
    Query(description="Groups shown table by table, or empty for none. Default: all of a small graph."),
]
WholeOf = Annotated[bool, Query(description="Whether long texts are whole instead of cut.")]
_REFUSED: dict[int | str, dict[str, Any]] = {403: {"model": Refusal}}
_UNKNOWN: dict[int | str, dict[str, Any]] = {404: {"model": Refusal}}
_BUSY: dict[int | str, dict[str, Any]] = {409: {"model": Refusal, "description": "Another update is running."}}

_FULL: dict[int | str, dict[str, Any]] = {503: {"model": Refusal, "description": "Too many follow already."}}
# Reading a table takes memory; the others wait, without keeping a thread.
_FEW_READS = 2

# The guard checks the token; this dependency only documents it.
_WITH_TOKEN = [Depends(APIKeyHeader(name=TOKEN_HEADER, scheme_name="page token", auto_error=False))]

router = APIRouter(prefix="/api", responses=_REFUSED)


@router.get("/graph", responses=_UNKNOWN)
def graph(page: PageOf, update: UpdateOf = None, unfolded: UnfoldedOf = None) -> GraphFacts:
    """Return the graph: datasets with state and counts, the rows between them, and what this page is running."""
    return page.graphs.graph(update, unfolded).model_copy(update={"runner": page.runner.status()})


@router.get("/updates")
def updates(page: PageOf) -> list[UpdateFacts]:
    """List every update, newest first."""
    return page.graphs.updates()


@router.post("/updates", dependencies=_WITH_TOKEN, status_code=202, responses=_BUSY | _UNKNOWN)
def start(page: PageOf, request: Annotated[StartRequest, Body()] = StartRequest()) -> Started:  # noqa: B008 - frozen by FastAPI
    """Start an update in the page's process; `{}` refreshes all tables.

    A full refresh empties tables without asking again.
    """
    selection = Selection(tuple(request.refresh), tuple(request.full_refresh), request.full_refresh_all)
    return Started(update_id=page.runner.start(selection))


@router.get("/updates/{update_id}", responses=_UNKNOWN)
def update(page: PageOf, update_id: str) -> UpdateInFull:
    """Return one update with its tables; the first characters of its id are enough."""
    found = page.graphs.update(update_id)
    if found is None:
        raise UnknownUpdateError(update_id, [])
    return found


@router.post("/updates/{update_id}/stop", dependencies=_WITH_TOKEN, status_code=202, responses=_UNKNOWN)
def stop(page: PageOf, update_id: str) -> Started:
    """Stop an update that this page runs, after its current batch; finished work is kept."""
    page.runner.stop(update_id)
    return Started(update_id=update_id)


@router.post("/dry-run", dependencies=_WITH_TOKEN, responses=_BUSY)
def dry_run(page: PageOf) -> DryRun:
    """Check settings, declarations, inputs, columns and suites without writing anything."""
    try:
        return DryRun(ready=True, tables=page.runner.dry_run())
    except PipelineBusyError:
        raise
    except AuthorError as error:
        return DryRun(ready=False, problem=error.problem, remedy=error.remedy)


@router.get("/tables/{name:path}", responses=_UNKNOWN)
async def table(page: PageOf, name: str, update: UpdateOf = None, *, whole: WholeOf = False) -> TableFacts:
    """Return everything about a table: columns, expectations, rows, files, history, source."""
    return await to_thread.run_sync(partial(page.tables.facts, name, update, whole=whole), limiter=page.reading)


@router.get("/events")
async def events(page: PageOf, query: Annotated[EventQuery, Query()]) -> EventPage:
    """Return events of any age, newest first."""
    return await to_thread.run_sync(query.found_in, page.graphs.record, limiter=page.reading)


@router.get("/alerts")
def alerts(page: PageOf) -> list[dict[str, Any]]:
    """Return each evaluated alert's state, its last evaluations and what became of its notifications."""
    return alert_states(page.schema.alert_evaluations)


def _free_place(page: PageOf) -> None:
    page.changes.check()


@router.get("/stream", response_class=EventSourceResponse, dependencies=[Depends(_free_place)], responses=_FULL)
async def stream(page: PageOf) -> AsyncIterator[ServerSentEvent]:
    """Send an event named `change` at once, and whenever the log, the alerts or the page's own update have changed.

    It names what changed, no matter which process changed it; the browser then asks for what it shows. Up to a hundred
    may follow.
    """
    async for changed, runner in page.changes.follow(lambda: page.ending):
        yield ServerSentEvent(event="change", data={"changed": changed, "runner": runner})
