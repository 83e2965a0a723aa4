"""Whose fault an exception is, by the texts that Spark, Delta, the JVM and the system really write."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from deltalake.exceptions import CommitFailedError, DeltaError, SchemaMismatchError
from py4j.protocol import Py4JError, Py4JNetworkError
from pyspark.errors import AnalysisException, PythonException, StreamingQueryException

from pipeline.foundation.errors import AuthorError, DamagedStateError, DataError, EnvironmentFaultError, LakehouseError
from pipeline.spark.faults import JvmEndedError, columns_changed, readable

if TYPE_CHECKING:
    from collections.abc import Callable


class EndedJvm:
    """A JVM that ends with a code while one waits for it."""

    def __init__(self, code: int | None) -> None:
        self._code = code

    def poll(self) -> int | None:
        return self._code

    def wait(self, _seconds: float) -> int:
        if self._code is None:
            raise subprocess.TimeoutExpired("java", 0)
        return self._code


@pytest.mark.parametrize(
    ("code", "problem", "remedy"),
    [
        (52, "Spark's JVM ended because its heap was full.", "Raise `spark.driver_memory`"),
        (3, "Spark's JVM ended because its heap was full.", "Raise `spark.driver_memory`"),
        (-9, "Spark's JVM ended because it was killed, mostly by the system", "Give the machine more memory"),
        (1, "Spark's JVM ended with exit code 1.", "See why in Spark's log"),
    ],
)
@pytest.mark.parametrize(
    "error",
    [ConnectionRefusedError(111, "Connection refused"), Py4JNetworkError("Answer from Java side is empty")],
    ids=["refused", "empty"],
)
def test_end_of_the_jvm_is_said_with_its_cause_whatever_the_error_was(
    error: Exception, code: int, problem: str, remedy: str
) -> None:
    fault = readable(error, "orders", EndedJvm(code))  # type: ignore[arg-type]
    assert isinstance(fault, JvmEndedError)
    assert not fault.retryable
    assert fault.problem.startswith(problem)
    assert fault.remedy.startswith(remedy)


def test_broken_connection_to_a_jvm_that_runs_is_not_its_end() -> None:
    fault = readable(ConnectionResetError(104, "reset"), "orders", EndedJvm(None))  # type: ignore[arg-type]
    assert not isinstance(fault, JvmEndedError)


def test_worker_that_was_killed_is_said_to_lack_memory() -> None:
    error = query_ended("org.apache.spark.SparkException: Python worker exited unexpectedly (crashed)")
    assert "Free memory" in readable(error, "orders").remedy


def query_ended(trace: str) -> StreamingQueryException:
    """Return what PySpark raises when a streaming query ends, with the trace of the JVM."""
    found = "[STREAM_FAILED] Query [id = 1, runId = 2] terminated with exception: Job aborted. SQLSTATE: XXKST"
    frame = "\n\tat org.apache.spark.sql.execution.streaming.StreamExecution.run(StreamExecution.scala:230)"
    error = StreamingQueryException(found)
    # PySpark's own subclass takes it from the JVM.
    vars(error)["_stackTrace"] = f"{found}{frame}\nCaused by: {trace}{frame}"
    return error


JVM_TEXTS = [
    pytest.param("java.lang.OutOfMemoryError: Java heap space", DamagedStateError, id="heap"),
    pytest.param("java.lang.OutOfMemoryError: GC overhead limit exceeded", DamagedStateError, id="garbage"),
    pytest.param(
        "java.io.FileNotFoundException: File file:/data/orders/part-00000.parquet does not exist",
        DamagedStateError, id="missing_file",
    ),
    pytest.param(
        "java.nio.file.NoSuchFileException: /data/state/checkpoints/offsets/3", DamagedStateError, id="missing_offset"
    ),
    pytest.param(
        "org.apache.hadoop.fs.ChecksumException: Checksum error: file:/data/offsets/3 at 0 exp: 1 got: 2",
        DamagedStateError, id="checksum",
    ),
    pytest.param(
        "org.apache.spark.sql.delta.DeltaIllegalStateException: [DELTA_VERSIONS_NOT_CONTIGUOUS] Versions (0, 2) are not"
        " contiguous.", DamagedStateError, id="gap_in_log",
    ),
    pytest.param(
        "org.apache.spark.sql.delta.DeltaFileNotFoundException: [DELTA_TRUNCATED_TRANSACTION_LOG] 00003.json: Unable to"
        " reconstruct state", DamagedStateError, id="truncated_log",
    ),
    pytest.param(
        "org.apache.spark.sql.delta.DeltaIllegalStateException: [DELTA_STATE_RECOVER_ERROR] The protocol of your Delta"
        " table could not be recovered", DamagedStateError, id="state",
    ),
    pytest.param(
        "java.lang.IllegalStateException: Incomplete log file in the offset log", DamagedStateError, id="incomplete"
    ),
    pytest.param("java.io.IOException: No space left on device", EnvironmentFaultError, id="full_disk"),
    pytest.param("org.apache.hadoop.fs.FSError: java.io.IOException: Disk quota exceeded", EnvironmentFaultError, id="quota"),
    pytest.param("java.io.IOException: Too many open files", EnvironmentFaultError, id="open_files"),
    pytest.param(
        "org.apache.spark.sql.delta.ConcurrentAppendException: [DELTA_CONCURRENT_APPEND] Files were added",
        EnvironmentFaultError, id="concurrent",
    ),
    pytest.param(
        "org.apache.spark.SparkException: Python worker exited unexpectedly (crashed)", EnvironmentFaultError, id="worker"
    ),
    pytest.param("java.net.SocketException: Connection reset", EnvironmentFaultError, id="socket"),
    pytest.param(
        "java.util.concurrent.TimeoutException: Futures timed out after [300 seconds]", EnvironmentFaultError, id="timeout"
    ),
    pytest.param(
        "org.apache.spark.sql.AnalysisException: [UNRESOLVED_COLUMN.WITH_SUGGESTION] A column `x` cannot be resolved.",
        AuthorError, id="column",
    ),
    pytest.param(
        "org.apache.spark.sql.catalyst.parser.ParseException: [PARSE_SYNTAX_ERROR] Syntax error at or near 'SELEC'.",
        AuthorError, id="syntax",
    ),
    pytest.param("java.lang.UnsupportedOperationException: empty.max", AuthorError, id="unsupported"),
    pytest.param(
        "org.apache.spark.sql.delta.DeltaUnsupportedOperationException: [DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN"
        "_MERGE] Cannot perform Merge as multiple source rows matched", AuthorError, id="duplicate_key",
    ),
    pytest.param(
        "org.apache.spark.SparkNumberFormatException: [CAST_INVALID_INPUT] The value 'x' of the type \"STRING\" cannot be"
        ' cast to "INT"', DataError, id="cast",
    ),
    pytest.param("org.apache.spark.SparkArithmeticException: [DIVIDE_BY_ZERO] Division by zero.", DataError, id="zero"),
    pytest.param(
        "org.apache.spark.SparkDateTimeException: [CANNOT_PARSE_TIMESTAMP] Text 'x' could not be parsed", DataError, id="time"
    ),
    pytest.param("org.apache.spark.SparkRuntimeException: [USER_RAISED_EXCEPTION] mine", DataError, id="raised"),
    pytest.param(
        "org.apache.spark.sql.delta.DeltaRuntimeException: [DELTA_FAILED_TO_MERGE_FIELDS] Failed to merge fields 'a' and 'a'",
        DataError, id="fields",
    ),
    pytest.param("java.lang.IndexOutOfBoundsException: index 3, length 2", DataError, id="index"),
    pytest.param("a.AnalysisException: [PATH_NOT_FOUND] Path does not exist: file:/data/a", DamagedStateError, id="path"),
    pytest.param("a.DeltaException: [DELTA_FILE_NOT_FOUND] File path a", DamagedStateError, id="file_of_log"),
    pytest.param("a.DeltaException: [DELTA_SCHEMA_NOT_SET] Table schema is not set", DamagedStateError, id="no_schema"),
    pytest.param("a.DeltaException: [DELTA_PATH_DOES_NOT_EXIST] a doesn't exist", DamagedStateError, id="no_table"),
    pytest.param("a.DeltaException: [DELTA_MERGE_INCOMPATIBLE_DATATYPE] int, string", DataError, id="types"),
    pytest.param("java.lang.NullPointerException: name is null", LakehouseError, id="unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("trace", "fault"), JVM_TEXTS)
def test_error_of_the_jvm_is_classified_by_its_cause(trace: str, fault: type[LakehouseError]) -> None:
    name, _, message = trace.partition(": ")
    in_call = Py4JError(f"An error occurred while calling o1.start.\n{trace}\n\tat a.B.c(B.java:1)")
    for error in (query_ended(trace), in_call):
        found = readable(error)
        assert type(found) is fault
        assert found.problem.startswith(f"Spark stopped with {name.rpartition('.')[2]}: {message}")
        assert found.__cause__ is error


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        pytest.param(OSError(28, "No space left on device"), EnvironmentFaultError, id="full_disk"),
        pytest.param(PermissionError(13, "Permission denied", "a"), EnvironmentFaultError, id="permission"),
        pytest.param(FileNotFoundError(2, "No such file or directory", "a"), DamagedStateError, id="missing_file"),
        pytest.param(CommitFailedError("Transaction failed: a concurrent append"), EnvironmentFaultError, id="commit"),
        pytest.param(
            DeltaError("Generic LocalFileSystem error: Read-only file system"), EnvironmentFaultError, id="disk"
        ),
        pytest.param(DeltaError("Invalid JSON in log record: expected value"), DamagedStateError, id="log"),
        pytest.param(SchemaMismatchError("Cannot cast schema"), DamagedStateError, id="schema"),
        pytest.param(ValueError("not a number"), AuthorError, id="author"),
    ],
)
def test_error_of_python_is_classified_by_its_type(error: Exception, fault: type[LakehouseError]) -> None:
    assert type(readable(error)) is fault


def test_error_of_this_project_stays_as_it_is() -> None:
    error = DataError("a problem", "a remedy")
    assert readable(error, "orders") is error


def test_cause_of_an_error_is_classified_too() -> None:
    outer = Py4JError("An error occurred while calling o1.start")
    outer.__cause__ = Py4JError("java.io.IOException: No space left on device")
    assert type(readable(outer)) is EnvironmentFaultError


def test_error_in_a_python_worker_is_the_author_s_and_shows_the_last_line_of_its_traceback() -> None:
    text = 'Traceback (most recent call last):\n  File "orders.py", line 3, in price\nValueError: not a price\n'
    error = PythonException(text)
    found = readable(error)
    assert type(found) is AuthorError
    assert found.problem == "Spark stopped with ValueError: not a price"


def test_remedy_for_damage_names_the_table_if_it_is_known() -> None:
    error = FileNotFoundError(2, "No such file or directory", "a")
    assert "rebuild with `python -m pipeline run --full-refresh orders`" in readable(error, "orders").remedy
    assert "rebuild the table" in readable(error).remedy


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        pytest.param(lambda: query_ended("a.DeltaIllegalStateException: [DELTA_SCHEMA_CHANGED] Detected schema change"), True, id="schema"),
        pytest.param(lambda: query_ended("java.io.IOException: No space left on device"), False, id="disk"),
        pytest.param(lambda: AnalysisException("[UNRESOLVED_COLUMN] x"), False, id="none"),
    ],
)  # fmt: skip
def test_query_that_ended_because_columns_changed_is_recognised(make: Callable[[], Exception], expected: bool) -> None:
    assert columns_changed(make()) is expected
