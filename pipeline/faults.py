"""Whose fault an exception is: the author's, the data's, or the environment's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from deltalake.exceptions import CommitFailedError, DeltaError
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException, PythonException

from pipeline.errors import AuthorError, DamagedStateError, DataError, EnvironmentFaultError, LakehouseError

if TYPE_CHECKING:
    from collections.abc import Iterator

_SEE_LOG = "See state/log/spark.log in the home for the whole of it."
# What Java says at the head of a trace and of each cause: the class, and what it says of itself.
_JAVA_CAUSE = re.compile(r"^(?:Caused by: )?([\w.$]*\.[A-Z][\w$]*(?:Exception|Error))\b:? ?(.*)$", re.MULTILINE)
# What Python says at the end of a trace: of an error in one of Spark's workers this is all there is to say.
_PYTHON_CAUSE = re.compile(r"^(?:\w+\.)*(\w+(?:Error|Exception)\b: .+)$", re.MULTILINE)
_NEEDS_MEMORY = re.compile(r"OutOfMemoryError|Java heap space|GC overhead")
_DAMAGED = re.compile(
    r"FileNotFoundException|NoSuchFileException|ChecksumException|DELTA_\w*(?:LOG|VERSIONS_NOT_CONTIGUOUS)\w*"
    r"|PATH_NOT_FOUND|DELTA_FILE_NOT_FOUND|DELTA_STATE_RECOVER|DELTA_SCHEMA_NOT_SET|DELTA_PATH_DOES_NOT_EXIST"
    r"|Incomplete log file"
)
_PASSING = re.compile(
    r"No space left|FSError|Concurrent\w*Exception|DELTA_CONCURRENT|Python worker (?:exited|failed)|IOException"
    r"|SocketException|TimeoutException|Too many open files|Disk quota"
)
# What the disk answers, which deltalake tells as an error of its own.
_FROM_THE_DISK = re.compile(
    r"No space left|Disk quota|Too many open files|Permission denied|Read-only file system|Input/output error"
)
_SAME_KEY_TWICE = re.compile(r"multiple source rows|DELTA_MULTIPLE_SOURCE_ROW")
_AUTHORS = re.compile(r"AnalysisException|ParseException|PythonException|UnsupportedOperationException")
_DATAS = re.compile(
    r"NumberFormatException|ArithmeticException|DateTimeException|SparkRuntimeException|SchemaMismatchError"
    r"|DELTA_FAILED_TO_MERGE_FIELDS|DELTA_MERGE_INCOMPATIBLE|IndexOutOfBoundsException"
)
# Spark ends the query that reads a table whose columns have changed; opened again, it goes on.
_COLUMNS_CHANGED = re.compile(r"DELTA_SCHEMA_CHANGED|DELTA_STREAMING_SCHEMA|StreamingSchemaChange")


def readable(error: Exception, table: str | None = None) -> LakehouseError:
    """Return an error as one of this project's own: whose fault it is, one line of what happened, a next step.

    Args:
        error: Whatever stopped the work.
        table: The table that the work was for; a remedy may name it.
    """
    if isinstance(error, LakehouseError):
        return error
    fault = _judged(error, table)
    fault.__cause__ = error
    return fault


def columns_changed(error: BaseException) -> bool:
    """Tell whether a query ended because the table it reads has got columns."""
    return bool(_COLUMNS_CHANGED.search(_text_of(error)))


def _judged(error: Exception, table: str | None) -> LakehouseError:
    text = _text_of(error)
    problem = f"{_who(error)} stopped with {_first_line(error)}"
    is_sparks = isinstance(error, PySparkException | Py4JError)
    is_gone = isinstance(error, FileNotFoundError)
    if _SAME_KEY_TWICE.search(text):
        return AuthorError(problem, f"Have the query give one row for each of its keys and windows. {_SEE_LOG}")
    is_disks = isinstance(error, DeltaError) and _FROM_THE_DISK.search(text)
    if (isinstance(error, OSError | CommitFailedError) or is_disks) and not is_gone:
        return EnvironmentFaultError(problem, f"Free space or repair the permissions; no row is lost. {_SEE_LOG}")
    if isinstance(error, DeltaError) or is_gone or (is_sparks and _DAMAGED.search(text)):
        rebuild = f"rebuild with `python -m pipeline run --full-refresh {table}`" if table else "rebuild the table"
        return DamagedStateError(
            f"{problem}; a file of the table or of its state is gone or damaged.",
            f"Restore the home from a backup, or {rebuild}. {_SEE_LOG}",
        )
    return _judged_of_spark(problem, text) if is_sparks else AuthorError(problem, _SEE_LOG)


def _judged_of_spark(problem: str, text: str) -> LakehouseError:
    for pattern, fault, remedy in (
        (_NEEDS_MEMORY, DamagedStateError, "Raise `spark.driver_memory` in the settings file, then run again."),
        (_PASSING, EnvironmentFaultError, "Free space or repair what it names, then run again."),
        (_AUTHORS, AuthorError, "Correct the query; `python -m pipeline dry-run` tries it."),
        (_DATAS, DataError, "Correct the data at its source, or have the query allow for it."),
    ):
        if pattern.search(text):
            return fault(problem, f"{remedy} {_SEE_LOG}")
    return LakehouseError(problem, _SEE_LOG)


def _who(error: Exception) -> str:
    return "Spark" if isinstance(error, PySparkException | Py4JError) else "The flow"


def _first_line(error: Exception) -> str:
    """Return the deepest cause that says something, in one line."""
    in_worker = _PYTHON_CAUSE.findall(str(error)) if isinstance(error, PythonException) else []
    if in_worker:
        return str(in_worker[-1]).strip()
    causes = [found for found in _JAVA_CAUSE.findall(_trace_of(error)) if found[1].strip()]
    if causes:
        name, said = causes[-1]
        return f"{name.rsplit('.', 1)[-1]}: {said.strip()}"
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0] if text else 'no message'}"


def _text_of(error: BaseException) -> str:
    """Return what tells of the fault: the classes and first lines of an error and its causes, frames left out."""
    heads = (f"{type(one).__name__}: {str(one).partition('JVM stacktrace')[0]}" for one in _chain(error))
    traces = (f"{name}: {said}" for one in _chain(error) for name, said in _JAVA_CAUSE.findall(_trace_of(one)))
    return "\n".join([*heads, *traces])


def _trace_of(error: BaseException) -> str:
    if isinstance(error, PySparkException):
        return str(getattr(error, "_stackTrace", "") or "")
    return str(error) if isinstance(error, Py4JError) else ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__
