"""`page`: the pipeline page."""

from __future__ import annotations

import signal
from typing import Annotated

import typer

from pipeline.clock import SystemClock
from pipeline.commands.options import DEFAULT_PIPELINE, HomeOption, PipelineOption
from pipeline.home import Home
from pipeline.settings import load_settings

_ANY = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - recognised here, bound to only if somebody asks


def page(
    home: HomeOption = None,
    pipeline: PipelineOption = DEFAULT_PIPELINE,
    host: Annotated[str, typer.Option(help="The address to listen on; others than loopback let others in.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 for any free one.")] = 8000,
    name: Annotated[
        list[str] | None, typer.Option(help="A name that the page is reached by, besides localhost; again for more.")
    ] = None,
    on_file_arrival: Annotated[
        bool, typer.Option("--on-file-arrival", help="Run an update here whenever files have come.")
    ] = False,
) -> None:
    """Serve the pipeline page until Ctrl-C: the live graph, tables, history, events and alerts."""
    settings = load_settings(pipeline)
    place = Home.find(home)
    place.make_writable()
    from pipeline.page.app import create_app  # noqa: PLC0415 - the web server's imports take a while
    from pipeline.page.guard import Access  # noqa: PLC0415
    from pipeline.page.server import PageServer, listen  # noqa: PLC0415
    from pipeline.session import build_session  # noqa: PLC0415

    listening = listen(host, port)
    access = Access(host, frozenset(one.lower() for one in name or ()))
    app = create_app(
        place, settings, SystemClock(), lambda: build_session(place, settings.spark), access,
        say_of_arrivals=typer.echo if on_file_arrival else None,
    )  # fmt: skip
    shown = "localhost" if host in _ANY else f"[{host}]" if ":" in host else host
    typer.echo(f"The page of {settings.name} is at http://{shown}:{listening.getsockname()[1]}/ (Ctrl-C ends it).")
    typer.echo(f"It shows {place.root}.")
    for word in (signal.SIGINT, signal.SIGTERM):
        # The server ends at either and then passes it on; to be told to end is no failure.
        signal.signal(word, lambda *_: None)
    PageServer(app).run(sockets=[listening])
    typer.echo("The page has ended.")
