"""What to say of an exception that an author's code has raised."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException

from pipeline.databricks.places import stands_elsewhere
from pipeline.databricks.running import missing_file
from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from pipeline.databricks.running import Running

_UNKNOWN_PARAMETER = "SQL_CONF_NOT_FOUND"
_FUNCTIONS = "pyspark.sql.functions"


def explained(error: Exception, where: object, running: Running) -> AuthorError | None:
    """Return an exception as an error with a remedy of its own; None where nothing more is known of it.

    Args:
        error: What the code has raised.
        where: The author's line.
        running: The code.
    """
    if (missing := missing_file(error, running.files)) is not None:
        return missing
    if isinstance(error, PySparkException) and _UNKNOWN_PARAMETER in str(error.getCondition()):
        key = (error.getMessageParameters() or {}).get("sqlConf", "").strip('"`')
        remedy = f"Write `configuration: {{{key}: …}}` in the settings."
        return AuthorError(f"{where}: the parameter `{key}` has no value.", remedy)
    if isinstance(error, ModuleNotFoundError):
        return _without_module(str(error.name), where, running)
    if isinstance(error, ImportError) and error.name == _FUNCTIONS:
        problem = f"{where}: {str(error).partition(' (')[0]}; the function exists on Databricks alone."
        return AuthorError(problem, "Call it in SQL, and name a file with a stand-in of that name under `functions`.")
    return None


def first_line_of(error: Exception) -> str:
    """Return the first line of what an exception says; of one from Java, what that says."""
    text = str(error.java_exception) if isinstance(error, Py4JJavaError) else str(error)
    return text.strip().split("\n", 1)[0]


def _without_module(name: str, where: object, running: Running) -> AuthorError:
    problem = f"{where}: there is no module `{name}` here."
    unplaced = [entry for entry in sys.path if stands_elsewhere(entry) and running.placed(entry) is None]
    if unplaced:
        remedy = f'If it is in {unplaced[-1]}, name that folder: `paths: {{"{unplaced[-1]}": …}}`; else install it.'
        return AuthorError(problem, remedy)
    return AuthorError(problem, f"Install it beside the engine (`%pip` is not run): pip install {name}.")
