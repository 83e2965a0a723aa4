"""The end of every command line: an exit code and, after an error, one readable message."""

from __future__ import annotations

import sys
import traceback
from typing import TYPE_CHECKING, Any

import typer
from typer import BadParameter

from pipeline.foundation.errors import LakehouseError
from pipeline.foundation.shown import say

if TYPE_CHECKING:
    from collections.abc import Sequence

_WRONG_USAGE = 2
_INTERRUPTED = 130
# Typer exports only this subclass; its base class is what any wrong use of a command raises.
_USAGE_ERROR: Any = BadParameter.__base__


def run_command(app: typer.Typer, name: str, arguments: Sequence[str] | None = None) -> int:
    """Run a command line; an error becomes one message on standard error.

    `--debug`, anywhere on the line, adds the traceback.

    Args:
        app: The program's commands.
        name: How the program is called, for its help.
        arguments: The words after the name. Defaults to those of this process.

    Returns:
        The exit code: what the command returned or left with, else 0; an error's own code; 2 for wrong use;
        130 after an interrupt.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    command = typer.main.get_command(app)
    command.epilog = "Every command also takes --debug, which prints the traceback of an error."
    try:
        result = command.main(args=words, prog_name=name, standalone_mode=False)
    except LakehouseError as error:
        return _failed(str(error), error.exit_code, debug=debug)
    except _USAGE_ERROR as error:
        error.show()
        return _WRONG_USAGE
    except typer.Abort:
        return _failed("Canceled.", 1, debug=False)
    except Exception as error:  # noqa: BLE001 - the last place that can turn it into a sentence
        problem = f"Unexpected {type(error).__name__}: {error}."
        return _failed(f"{problem} Run the command again with --debug and report what it prints.", 1, debug=debug)
    if result == _INTERRUPTED:
        # Typer has turned Ctrl-C into this code and printed nothing.
        return _failed("Interrupted. Finished work is kept; run the command again to go on.", result, debug=False)
    return result if isinstance(result, int) else 0


def _failed(message: str, code: int, *, debug: bool) -> int:
    if debug:
        say(traceback.format_exc(), err=True)
    say(message, err=True)
    return code
