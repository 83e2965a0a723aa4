"""`page`: the pipeline page."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands.target import DEFAULT_PIPELINE, HomeOption, PipelineOption, Target
from pipeline.foundation.clock import SystemClock
from pipeline.foundation.shown import say
from pipeline.foundation.stop import stop_by_signal

if TYPE_CHECKING:
    from pipeline.page.key import Key

_ANY = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - compared with, not bound to


def page(
    home: HomeOption = None,
    pipeline: PipelineOption = DEFAULT_PIPELINE,
    host: Annotated[str, typer.Option(help="The address to listen on. Any but loopback lets other machines in.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on; 0 chooses a free one.")] = 8000,
    names: Annotated[
        list[str] | None,
        typer.Option("--name", help="Another host name to answer to, as a proxy's; repeat for several."),
    ] = None,
    key: Annotated[
        bool | None,
        typer.Option(
            "--key/--no-key",
            help="Ask for a key: the one in SMART_FACTORY_PAGE_KEY, else a new one. Default: only if other machines "
            "get in, or if the variable is set.",
            show_default=False,
        ),
    ] = None,
    on_file_arrival: Annotated[
        bool, typer.Option("--on-file-arrival", help="Also run an update whenever files have arrived.")
    ] = False,
) -> None:
    """Serve the pipeline page until Ctrl-C: the live graph, tables, history, events and alerts."""
    target = Target.find(home, pipeline, to_write=True)
    from pipeline.page.app import create_app  # noqa: PLC0415 - imports the web server
    from pipeline.page.guard import Access, needed_key  # noqa: PLC0415
    from pipeline.page.key import KEY_VARIABLE  # noqa: PLC0415
    from pipeline.page.server import PageServer, listen  # noqa: PLC0415

    chosen = os.environ.get(KEY_VARIABLE, "")
    needed, listening = needed_key(host, asked=key, chosen=chosen), listen(host, port)
    access = Access(host, frozenset(one.lower() for one in names or ()), key=needed)
    announce = say if on_file_arrival else None
    app = create_app(target.home, target.settings, SystemClock(), target.session, access, announce=announce)
    _announce(target, host, listening.getsockname()[1], needed, is_own=bool(chosen))
    with stop_by_signal():
        # The server stops at a signal and then raises it again; inside this block that is not a failure.
        PageServer(app).run(sockets=[listening])
    say("The page has stopped.")


def _announce(target: Target, host: str, port: int, key: Key | None, *, is_own: bool) -> None:
    """Print where the page is and who gets in.

    Args:
        target: The lakehouse and the pipeline.
        host: The address that the page listens on.
        port: Its port.
        key: The key that it asks for.
        is_own: Whether the user has chosen the key; it is then a secret, which a log must not show.
    """
    from pipeline.page.guard import is_loopback  # noqa: PLC0415 - imports the web server
    from pipeline.page.key import KEY_HEADER, KEY_PARAMETER, KEY_VARIABLE  # noqa: PLC0415

    name = "localhost" if host in _ANY else f"[{host}]" if ":" in host else host
    shown = f"?{KEY_PARAMETER}={key.value}" if key is not None and not is_own else ""
    say(f"The page of {target.settings.name} is at http://{name}:{port}/{shown} (Ctrl-C stops it).")
    if key is not None:
        where = f"the key in {KEY_VARIABLE}" if is_own else "the key in this address"
        say(f"It asks for {where}; a program sends it in the header {KEY_HEADER}.")
    elif not is_loopback(host):
        say("It asks for no key: everybody who reaches it may start updates.")
    say(f"It shows the lakehouse in {target.home.root}.")
