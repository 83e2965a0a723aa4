"""The page's web application: the page, its API, and how both answer errors."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, FileSystemLoader, select_autoescape

from pipeline.events.history import UnknownUpdateError
from pipeline.foundation.errors import LakehouseError, PipelineBusyError, UnknownNameError
from pipeline.foundation.stop import Stop
from pipeline.page.api import Page, router
from pipeline.page.graph import GraphReader
from pipeline.page.guard import TOKEN_HEADER, Access, Guard
from pipeline.page.key import KEY_HEADER
from pipeline.page.runner import Runner
from pipeline.page.table import TableReader
from pipeline.selection import Selection
from pipeline.update.arrival import landing_watch, run_on_arrival

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from pyspark.sql import SparkSession

    from pipeline.foundation.clock import Clock
    from pipeline.home.places import Home
    from pipeline.settings import Settings

_HERE = Path(__file__).parent
_ABOUT = f"""
The pipeline's graph, its updates, tables, events and alerts, read from the event log and the Delta tables.

GET requests only read. A POST request needs the page's token in the header `{TOKEN_HEADER}`. The page contains the
token in `<meta name="csrf-token">`; it changes whenever the server starts. A request without the token, or from a
foreign `Host`, `Origin` or `Referer`, is answered with 403. If the page asks for a key, every request needs it in the
header `{KEY_HEADER}`, else the answer is 401.
"""


def create_app(
    home: Home,
    settings: Settings,
    clock: Clock,
    session: Callable[[], SparkSession],
    access: Access | None = None,
    *,
    announce: Callable[[str], None] | None = None,
) -> FastAPI:
    """Return the page's application.

    Args:
        home: The lakehouse to show.
        settings: The pipeline's settings.
        clock: The clock for durations.
        session: Builds the Spark session, once, when an update or a dry run first needs it.
        access: Which requests are allowed. Defaults to those of this machine.
        announce: Prints a line for each update that files start. Without it, files start none.
    """
    access = access or Access()
    graphs = GraphReader(home, settings, clock)
    page = Page(graphs, TableReader(graphs), Runner(home, settings, clock, session))

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # The first graph imports many modules: build one before somebody waits for it.
        looking = asyncio.create_task(asyncio.to_thread(_look, graphs))
        with _updates_on_arrival(home, settings, page.runner, announce) if announce else contextlib.nullcontext():
            yield
            await looking
        await asyncio.to_thread(page.runner.close)

    app = FastAPI(
        title=f"{settings.name}: the pipeline page", description=_ABOUT, version="1",
        docs_url=None, redoc_url=None, lifespan=lifespan,
    )  # fmt: skip
    app.state.page = page
    app.include_router(router)
    app.mount("/static", StaticFiles(directory=_HERE / "static"), name="static")
    _add_documents(app, settings.name, access.token)
    _add_refusals(app)
    app.add_middleware(Guard, access=access)
    return app


@contextlib.contextmanager
def _updates_on_arrival(
    home: Home, settings: Settings, runner: Runner, announce: Callable[[str], None]
) -> Iterator[None]:
    """Run an update when the block begins, and whenever files have arrived and settled, in a thread.

    An update that somebody starts on the page at that moment runs first, and then this one. When the block ends, no
    more updates start; a running one continues until the runner stops it.
    """

    def update(cause: str) -> None:
        announce(f"Starting an update because of {cause}.")
        for problem in runner.run(Selection()):
            announce(problem)

    watch, stop = landing_watch(home, settings), Stop()
    arguments = (watch, settings.file_arrival, stop, update, announce)
    threading.Thread(target=run_on_arrival, args=arguments, name="arrivals", daemon=True).start()
    try:
        yield
    finally:
        stop.ask()
        watch.close()


def _look(graphs: GraphReader) -> None:
    # The request for the graph reports what is wrong with the lakehouse.
    with contextlib.suppress(LakehouseError):
        graphs.graph()


def _add_documents(app: FastAPI, name: str, token: str) -> None:
    templates = Environment(loader=FileSystemLoader(_HERE / "templates"), autoescape=select_autoescape())

    def shown(template: str, **values: Any) -> HTMLResponse:
        html = templates.get_template(template).render(name=name, **values)
        return HTMLResponse(html, headers={"cache-control": "no-store"})

    @app.get("/", include_in_schema=False)
    def index() -> HTMLResponse:
        return shown("index.html", token=token)

    @app.get("/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        return shown("docs.html", about=_ABOUT, paths=app.openapi()["paths"])


def _add_refusals(app: FastAPI) -> None:
    """Answer every error with a problem and a remedy."""

    def answer(problem: str, remedy: str, status: int) -> JSONResponse:
        return JSONResponse({"problem": problem, "remedy": remedy}, status_code=status)

    @app.exception_handler(LakehouseError)
    def refused(_: Request, error: LakehouseError) -> JSONResponse:
        return answer(error.problem, error.remedy, _status_of(error))

    @app.exception_handler(Exception)
    def unforeseen(_: Request, error: Exception) -> JSONResponse:
        problem = f"Unexpected {type(error).__name__}: {error}"
        return answer(problem, "Report it with the traceback that the server has printed.", 500)

    @app.exception_handler(RequestValidationError)
    def misunderstood(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        return answer(f"{place}: {first['msg']}.", "See /docs for what the API takes.", 422)


def _status_of(error: LakehouseError) -> int:
    if isinstance(error, PipelineBusyError):
        return 409
    if isinstance(error, UnknownNameError | UnknownUpdateError):
        return 404
    return 503 if error.retryable else 500
