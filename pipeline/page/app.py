"""The page's server: what it shows, and the plain API that it asks."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, FileSystemLoader, select_autoescape

from pipeline.errors import LakehouseError, PipelineBusyError, UnknownNameError
from pipeline.page.api import Page, router
from pipeline.page.arrivals import Arrivals
from pipeline.page.graph import GraphReader
from pipeline.page.guard import TOKEN_HEADER, Access, Guard
from pipeline.page.runner import Runner
from pipeline.page.table import TableReader
from pipeline.record.record import UnknownUpdateError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from pyspark.sql import SparkSession

    from pipeline.clock import Clock
    from pipeline.home import Home
    from pipeline.settings import Settings

_HERE = Path(__file__).parent
_ABOUT = f"""
The pipeline's graph, its updates, tables, events and alerts, as the event log and the Delta tables have them.

Everything is read with GET. What changes something (POST) needs the page's token in the header `{TOKEN_HEADER}`;
it stands in the page itself, in `<meta name="csrf-token">`, and is another one after every start. Without it, or
from a foreign `Host`, `Origin` or `Referer`, the answer is 403.
"""


def create_app(
    home: Home,
    settings: Settings,
    clock: Clock,
    session: Callable[[], SparkSession],
    access: Access | None = None,
    *,
    say_of_arrivals: Callable[[str], None] | None = None,
) -> FastAPI:
    """Return the page's application.

    Args:
        home: The lakehouse that it shows.
        settings: The pipeline's settings.
        clock: Tells how long things have taken.
        session: Builds the Spark session, once, when an update or a dry run first needs it.
        access: Names, addresses and the token that it goes by.
        say_of_arrivals: Given, files that land start updates here, and it is told of them.
    """
    access = access or Access()
    graphs = GraphReader(home, settings, clock)
    page = Page(graphs, TableReader(graphs), Runner(home, settings, clock, session), home, settings, clock)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # The first look at a lakehouse imports a good deal; nobody should wait for that.
        looking = asyncio.create_task(asyncio.to_thread(_look, graphs))
        arrivals = Arrivals(home, settings, page.runner, say_of_arrivals) if say_of_arrivals else None
        if arrivals:
            arrivals.start()
        yield
        await looking
        if arrivals:
            arrivals.close()
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


def _look(graphs: GraphReader) -> None:
    # What is wrong with the lakehouse is said to whoever asks for the graph.
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
    """Answer every error with one problem and what helps."""

    @app.exception_handler(LakehouseError)
    def refused(_: Request, error: LakehouseError) -> JSONResponse:
        content = {"problem": error.problem, "remedy": error.remedy}
        return JSONResponse(content, status_code=_status_of(error))

    @app.exception_handler(Exception)
    def unforeseen(_: Request, error: Exception) -> JSONResponse:
        problem = f"Unforeseen {type(error).__name__}: {error}"
        remedy = "What the page's server has printed says where; report that."
        return JSONResponse({"problem": problem, "remedy": remedy}, status_code=500)

    @app.exception_handler(RequestValidationError)
    def misunderstood(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        content = {"problem": f"{place}: {first['msg']}.", "remedy": "See /docs for what the API takes."}
        return JSONResponse(content, status_code=422)


def _status_of(error: LakehouseError) -> int:
    if isinstance(error, PipelineBusyError):
        return 409
    if isinstance(error, UnknownNameError | UnknownUpdateError):
        return 404
    return 503 if error.retryable else 500
