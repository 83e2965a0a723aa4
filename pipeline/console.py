"""Where commands print their tables."""

from __future__ import annotations

from rich.console import Console

# A pipe or a file has no edge at which a name would have to be cut.
_WIDE_ENOUGH = 10_000


def open_console(*, quiet: bool = False) -> Console:
    """Return a console that fits tables to a terminal's width and cuts nothing where there is no terminal."""
    console = Console(quiet=quiet)
    return console if console.is_terminal else Console(quiet=quiet, width=_WIDE_ENOUGH)
