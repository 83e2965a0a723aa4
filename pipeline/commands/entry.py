"""How a command ends: its exit code, and one readable message where it fails."""

from __future__ import annotations

import sys
import traceback
from typing import TYPE_CHECKING, Any

import typer
from typer import BadParameter

from pipeline.errors import LakehouseError

if TYPE_CHECKING:
    from collections.abc import Sequence

_WRONG_USAGE = 2
_INTERRUPTED = 130
# Typer names only this subclass in public; its base is what every wrong use of a command raises.
_USAGE_ERROR: Any = BadParameter.__base__


def run_command(app: typer.Typer, name: str, arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code; errors become one message on standard error.

    `--debug`, anywhere on the line, adds the traceback.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    try:
        result = typer.main.get_command(app).main(args=words, prog_name=name, standalone_mode=False)
    except LakehouseError as error:
        return _failed(str(error), error.exit_code, debug=debug)
    except _USAGE_ERROR as error:
        error.show()
        return _WRONG_USAGE
    except typer.Abort:
        return _failed("Stopped.", 1, debug=False)
    except Exception as error:  # noqa: BLE001 - the last place that can turn it into a sentence
        problem = f"Unforeseen {type(error).__name__}: {error}."
        return _failed(f"{problem} Run the command again with --debug and report what it prints.", 1, debug=debug)
    if result == _INTERRUPTED:
        # Typer has made this code of Ctrl-C, without a word.
        return _failed("Interrupted; what was done is kept, the next update goes on from there.", result, debug=False)
    return result if isinstance(result, int) else 0


def _failed(message: str, code: int, *, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    print(message, file=sys.stderr)  # noqa: T201 - the one place that speaks of failures
    return code
