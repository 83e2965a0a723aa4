"""Classifies exceptions by whose fault they are: the author's, the data's, or the environment's."""

from __future__ import annotations

import re
import subprocess
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING

from py4j.protocol import Py4JError, Py4JNetworkError
from pyspark import SparkContext
from pyspark.errors import PySparkException, PythonException

from pipeline.delta.errors import CommitFailedError, DeltaError
from pipeline.foundation.errors import AuthorError, DamagedStateError, DataError, EnvironmentFaultError, LakehouseError

if TYPE_CHECKING:
    from collections.abc import Iterator

_SEE_LOG = "See state/log/spark.log in the home for the full error."
# The head of a Java stack trace, behind a colon from Py4J, and of each cause in it: the class and message.
_JAVA_CAUSE = re.compile(r"^(?:Caused by: |: )?([\w.$]*\.[A-Z][\w$]*(?:Exception|Error))\b:? ?(.*)$", re.MULTILINE)
# The last line of a Python traceback, which is all that is known of an error in one of Spark's workers.
_PYTHON_CAUSE = re.compile(r"^(?:\w+\.)*(\w+(?:Error|Exception)\b: .+)$", re.MULTILINE)
# Exit codes of a JVM: after an OutOfMemoryError, Spark's own and that of ExitOnOutOfMemoryError; after a kill.
_OUT_OF_HEAP, _KILLED = {52, 3}, {-9, 137}
_ENDING_SECONDS = 10
# A worker that the system kills says nothing itself.
_WORKER_ENDED = re.compile(r"Python worker exited")
_NEEDS_MEMORY = re.compile(r"OutOfMemoryError|Java heap space|GC overhead")
_DAMAGED = re.compile(
    r"FileNotFoundException|NoSuchFileException|ChecksumException|DELTA_\w*(?:LOG|VERSIONS_NOT_CONTIGUOUS)\w*"
    r"|PATH_NOT_FOUND|DELTA_FILE_NOT_FOUND|DELTA_STATE_RECOVER|DELTA_SCHEMA_NOT_SET|DELTA_PATH_DOES_NOT_EXIST"
    r"|Incomplete log file|MISSING_STATE_DIRECTORY|CANNOT_LOAD_STATE_STORE|STATE_STORE_\w*(?:SNAPSHOT|CHECKSUM|FILE)\w*"
    r"|DIFFERENT_DELTA_TABLE_READ"
)
# A state holds the columns that its query had; the query now has others.
_OTHER_STATE = re.compile(r"STATE_STORE_\w*SCHEMA_NOT_COMPATIBLE|STATE_STORE_COLUMN_FAMILY_SCHEMA|STATE_STORE_OPERATOR")
_TEMPORARY = re.compile(
    r"No space left|FSError|Concurrent\w*Exception|DELTA_CONCURRENT|Python worker (?:exited|failed)|IOException"
    r"|SocketException|TimeoutException|Too many open files|Disk quota"
)
# Errors of the file system, which deltalake raises as errors of its own.
_FILE_SYSTEM = re.compile(
    r"No space left|Disk quota|Too many open files|Permission denied|Read-only file system|Input/output error"
)
# A cluster took away what the work ran on.
_LOST = re.compile(
    r"ExecutorLostFailure|Remote RPC client disassociated|FetchFailed|stopped SparkContext|SparkContext was shut down"
    r"|All masters are unresponsive|Master removed our application|RpcEnv\w* (?:already )?stopped"
)
# What stops Spark's reader of a file without being the file's fault.
_OF_MACHINE = re.compile(
    rf"{_FILE_SYSTEM.pattern}|{_LOST.pattern}|{_NEEDS_MEMORY.pattern}|FSError|Python worker (?:exited|failed)"
    r"|SocketException|TimeoutException|cancelled|InterruptedException|ClassNotFoundException|NoClassDefFoundError"
)
_NO_MODULE = re.compile(r"ModuleNotFoundError: No module named '([\w.]+)'")
# What an author has asked for that cannot be done, and what to write instead.
_ASKED = (
    (
        re.compile(r"multiple source rows|DELTA_MULTIPLE_SOURCE_ROW"),
        "Have the query give one row for each of its keys and windows.",
    ),
    (
        re.compile(r"DELTA_SOURCE_TABLE_IGNORE_CHANGES|DELTA_SOURCE_IGNORE_DELETE"),
        (
            "A table that is read as a stream has rows that were changed or deleted: pass over such commits with "
            '`.option("skipChangeCommits", "true")`, or read the table whole.'
        ),
    ),
)
_AUTHOR = re.compile(r"AnalysisException|ParseException|PythonException|UnsupportedOperationException")
_DATA = re.compile(
    r"NumberFormatException|ArithmeticException|DateTimeException|SparkRuntimeException|SchemaMismatchError"
    r"|DELTA_FAILED_TO_MERGE_FIELDS|DELTA_MERGE_INCOMPATIBLE|IndexOutOfBoundsException"
)
# Spark ends a query when the columns of the table that it reads change; restarted, it goes on.
_COLUMNS_CHANGED = re.compile(r"DELTA_SCHEMA_CHANGED|DELTA_STREAMING_SCHEMA|StreamingSchemaChange")


class MissingOnWorkerError(EnvironmentFaultError):
    """A Python module that the driver has is missing where tasks run."""

    retryable = False

    def __init__(self, module: str) -> None:
        super().__init__(
            f"Spark's workers have no Python module `{module}`, which the driver has.",
            f"Run `pip install {module.partition('.')[0]}` on each worker, or run the workers from the driver's image. "
            "Import a module of your own at the top of the pipeline's source, which sends it along.",
        )


class JvmEndedError(EnvironmentFaultError):
    """Spark's JVM has ended, and with it everything that it did.

    Args:
        exit_code: Its exit code; that of a signal is negative, as `subprocess` has it.
    """

    retryable = False

    def __init__(self, exit_code: int) -> None:
        if exit_code in _OUT_OF_HEAP:
            how, remedy = "because its heap was full", "Raise `spark.driver_memory` in the settings file"
        elif exit_code in _KILLED:
            how = "because it was killed, mostly by the system when the machine's memory runs out"
            remedy = "Give the machine more memory, or Spark less with `spark.driver_memory` in the settings file"
        else:
            how, remedy = f"with exit code {exit_code}", "See why in Spark's log"
        super().__init__(f"Spark's JVM ended {how}.", f"{remedy}, then run again; no row is lost. {_SEE_LOG}")


def readable(error: Exception, table: str | None = None, jvm: subprocess.Popen[bytes] | None = None) -> LakehouseError:
    """Return an error as one of this project's own, which says what happened in one line, and what to do.

    Args:
        error: What stopped the work.
        table: The table that the work was for, which the remedy may name.
        jvm: The JVM that did it; the session's by default.
    """
    if isinstance(error, LakehouseError):
        return error
    exit_code = _exit_code(jvm or getattr(SparkContext._gateway, "proc", None), error)  # noqa: SLF001
    fault = _classified(error, table) if exit_code is None else JvmEndedError(exit_code)
    fault.__cause__ = error
    return fault


def reason_of_file(error: Exception) -> str:
    """Return why Spark could not read a file, in one line.

    Raises:
        Exception: The error itself, where it says nothing of a file: the machine or the cluster failed.
    """
    if isinstance(error, PythonException) or _OF_MACHINE.search(_text_of(error)):
        raise error
    return _first_line(error)


def columns_changed(error: BaseException) -> bool:
    """Return whether a query ended because the columns of the table that it reads have changed."""
    return bool(_COLUMNS_CHANGED.search(_text_of(error)))


def _exit_code(jvm: subprocess.Popen[bytes] | None, error: Exception) -> int | None:
    """Return the exit code of a JVM that has ended, or None."""
    if jvm is None:
        return None
    # The connection breaks a moment before the process has ended.
    may_be_ending = any(isinstance(one, Py4JNetworkError | ConnectionError) for one in _chain(error))
    with suppress(subprocess.TimeoutExpired):
        return jvm.wait(_ENDING_SECONDS) if may_be_ending else jvm.poll()
    return None


def _classified(error: Exception, table: str | None) -> LakehouseError:
    text = _text_of(error)
    problem = f"{_origin(error)} stopped with {_first_line(error)}"
    is_from_spark = isinstance(error, PySparkException | Py4JError)
    is_missing = isinstance(error, FileNotFoundError)
    instead = next((remedy for asked, remedy in _ASKED if asked.search(text)), None)
    if instead is not None:
        return AuthorError(problem, f"{instead} {_SEE_LOG}")
    missing = _NO_MODULE.search(text) if is_from_spark else None
    if missing is not None and find_spec(missing[1].partition(".")[0]) is not None:
        return MissingOnWorkerError(missing[1])
    if is_from_spark and _LOST.search(text):
        return EnvironmentFaultError(problem, f"See that Spark's master and workers run; no row is lost. {_SEE_LOG}")
    is_from_disk = isinstance(error, DeltaError) and _FILE_SYSTEM.search(text)
    if (isinstance(error, OSError | CommitFailedError) or is_from_disk) and not is_missing:
        return EnvironmentFaultError(problem, f"Free space or repair the permissions; no row is lost. {_SEE_LOG}")
    if isinstance(error, DeltaError) or is_missing or (is_from_spark and _DAMAGED.search(text)):
        rebuild = f"rebuild with `python -m pipeline run --full-refresh {table}`" if table else "rebuild the table"
        return DamagedStateError(
            f"{problem}; a file of the table or of its state is gone or damaged.",
            f"Restore the home from a backup, or {rebuild}. {_SEE_LOG}",
        )
    return _classified_by_text(problem, text, table) if is_from_spark else AuthorError(problem, _SEE_LOG)


def _classified_by_text(problem: str, text: str, table: str | None) -> LakehouseError:
    begin_anew = f"Run `python -m pipeline run --full-refresh {table or 'TABLE'}`; its state has other columns."
    for pattern, fault, remedy in (
        (_OTHER_STATE, AuthorError, begin_anew),
        (_NEEDS_MEMORY, DamagedStateError, "Raise `spark.driver_memory` in the settings file, then run again."),
        (_WORKER_ENDED, EnvironmentFaultError, "Free memory, for the system may have killed it; then run again."),
        (_TEMPORARY, EnvironmentFaultError, "Free space or repair what it names, then run again."),
        (_AUTHOR, AuthorError, "Correct the query; `python -m pipeline dry-run` tries it."),
        (_DATA, DataError, "Correct the data at its source, or have the query allow for it."),
    ):
        if pattern.search(text):
            return fault(problem, f"{remedy} {_SEE_LOG}")
    return LakehouseError(problem, _SEE_LOG)


def _origin(error: Exception) -> str:
    return "Spark" if isinstance(error, PySparkException | Py4JError) else "The flow"


def _first_line(error: Exception) -> str:
    """Return the deepest cause that has a message, in one line."""
    in_worker = _PYTHON_CAUSE.findall(str(error)) if isinstance(error, PythonException) else []
    if in_worker:
        return str(in_worker[-1]).strip()
    causes = [found for found in _JAVA_CAUSE.findall(_trace_of(error)) if found[1].strip()]
    if causes:
        name, message = causes[-1]
        return f"{name.rsplit('.', 1)[-1]}: {message.strip()}"
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0] if text else 'no message'}"


def _text_of(error: BaseException) -> str:
    """Return the text to classify: classes and messages of an error and its causes, without stack frames."""
    heads = (f"{type(one).__name__}: {str(one).partition('JVM stacktrace')[0]}" for one in _chain(error))
    traces = (f"{name}: {message}" for one in _chain(error) for name, message in _JAVA_CAUSE.findall(_trace_of(one)))
    return "\n".join([*heads, *traces])


def _trace_of(error: BaseException) -> str:
    if isinstance(error, PySparkException):
        return str(getattr(error, "_stackTrace", "") or "")
    return str(error) if isinstance(error, Py4JError) else ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__
