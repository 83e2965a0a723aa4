"""The page's API: `/api/…`, JSON throughout."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Body, Depends, Query, Request
from fastapi.responses import StreamingResponse
from fastapi.security import APIKeyHeader

from pipeline.errors import AuthorError, PipelineBusyError
from pipeline.page.alerts import alert_states
from pipeline.page.events import event_page
from pipeline.page.facts import (
    DryRun,
    EventPage,
    GraphFacts,
    Refusal,
    RunnerFacts,
    Started,
    StartRequest,
    UpdateFacts,
    UpdateInFull,
)
from pipeline.page.guard import TOKEN_HEADER
from pipeline.page.stream import changes
from pipeline.page.table_facts import TableFacts  # noqa: TC001 - FastAPI reads it at run time
from pipeline.record.record import UnknownUpdateError
from pipeline.selection import Selection

if TYPE_CHECKING:
    from pipeline.clock import Clock
    from pipeline.home import Home
    from pipeline.page.graph import GraphReader
    from pipeline.page.runner import Runner
    from pipeline.page.table import TableReader
    from pipeline.settings import Settings


@dataclass
class Page:
    """What the API's answers are made of."""

    graphs: GraphReader
    tables: TableReader
    runner: Runner
    home: Home
    settings: Settings
    clock: Clock
    ending: bool = False


def _page(request: Request) -> Page:
    page: Page = request.app.state.page
    return page


PageOf = Annotated[Page, Depends(_page)]
UpdateOf = Annotated[str | None, Query(description="An update's id, or how it begins; else the newest.")]
_REFUSED: dict[int | str, dict[str, Any]] = {403: {"model": Refusal}}
_UNKNOWN: dict[int | str, dict[str, Any]] = {404: {"model": Refusal}}
_BUSY: dict[int | str, dict[str, Any]] = {409: {"model": Refusal, "description": "Another update holds the lakehouse."}}

# The guard has judged the token already; this tells those who read the description of it.
_WITH_TOKEN = [Depends(APIKeyHeader(name=TOKEN_HEADER, scheme_name="page token", auto_error=False))]

router = APIRouter(prefix="/api", responses=_REFUSED)


@router.get("/graph", responses=_UNKNOWN)
def graph(page: PageOf, update: UpdateOf = None) -> GraphFacts:
    """Return the graph: datasets with state and counts, what flows between them, and who holds the lakehouse."""
    facts = page.graphs.graph(update)
    facts.runner = RunnerFacts(**asdict(page.runner.status()))
    return facts


@router.get("/updates")
def updates(page: PageOf) -> list[UpdateFacts]:
    """List every update, newest first."""
    return page.graphs.updates()


@router.post("/updates", dependencies=_WITH_TOKEN, status_code=202, responses=_BUSY | _UNKNOWN)
def start(page: PageOf, request: Annotated[StartRequest, Body()] = StartRequest()) -> Started:  # noqa: B008 - frozen by FastAPI
    """Start an update in the page's own process; `{}` is a triggered refresh of all tables.

    A full refresh empties tables: whoever calls this has asked already.
    """
    selection = Selection(tuple(request.refresh), tuple(request.full_refresh), request.full_refresh_all)
    return Started(update_id=page.runner.start(selection))


@router.get("/updates/{update_id}", responses=_UNKNOWN)
def update(page: PageOf, update_id: str) -> UpdateInFull:
    """Return one update with its tables; how an id begins is enough."""
    found = page.graphs.update(update_id)
    if found is None:
        raise UnknownUpdateError(update_id, [])
    return found


@router.post("/updates/{update_id}/stop", dependencies=_WITH_TOKEN, status_code=202, responses=_UNKNOWN)
def stop(page: PageOf, update_id: str) -> Started:
    """Have an update that this page runs end after the batch at hand; what was done is kept."""
    page.runner.stop(update_id)
    return Started(update_id=update_id)


@router.post("/dry-run", dependencies=_WITH_TOKEN, responses=_BUSY)
def dry_run(page: PageOf) -> DryRun:
    """Check settings, declarations, inputs, columns and suites; nothing is written."""
    try:
        return DryRun(ready=True, tables=page.runner.dry_run())
    except PipelineBusyError:
        raise
    except AuthorError as error:
        return DryRun(ready=False, problem=error.problem, remedy=error.remedy)


@router.get("/tables/{name:path}", responses=_UNKNOWN)
def table(page: PageOf, name: str, update: UpdateOf = None) -> TableFacts:
    """Return everything behind a table: columns, expectations, rows, files, history, source."""
    return page.tables.facts(name, update)


@router.get("/events")
def events(  # one parameter for each filter
    page: PageOf,
    level: Annotated[list[str] | None, Query(description="INFO, WARN, ERROR or METRICS; again for more.")] = None,
    event_type: Annotated[list[str] | None, Query(description="Such as flow_progress; again for more.")] = None,
    update: Annotated[str | None, Query(description="An update's id, or how it begins.")] = None,
    table: Annotated[str | None, Query(description="A dataset's name.")] = None,
    limit: Annotated[int, Query(ge=1, le=20_000)] = 200,
) -> EventPage:
    """Return events, newest first; there is no limit of age."""
    return event_page(
        page.graphs.record, levels=level or (), event_types=event_type or (), update=update, table=table, limit=limit
    )


@router.get("/alerts")
def alerts(page: PageOf) -> list[dict[str, Any]]:
    """Return each alert's state, its last evaluations and what became of its notifications."""
    return alert_states(page.home, page.clock)


@router.get("/stream", response_class=StreamingResponse)
async def stream(page: PageOf) -> StreamingResponse:
    """Send an event named `change` whenever the event log, the alerts or the page's process has changed."""
    schema = page.home.schema(page.settings.target_schema)
    tables = [schema / "event_log", page.home.schema("smart_factory") / "alert_evaluations"]
    words = changes(page.runner.status, tables, lambda: page.ending)
    return StreamingResponse(words, media_type="text/event-stream", headers={"cache-control": "no-store"})
