"""What a session does once on a cluster: wait for an executor, check the workers, send them the engine's code."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.foundation.errors import EnvironmentFaultError
from pipeline.spark.cluster import PACKAGE, check_code, engine_archive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pyspark.sql import SparkSession

    from pipeline.home.places import Home
    from pipeline.spark_settings import SparkSettings

_ARCHIVE_KEY = "lakehouse.engine"
_SECONDS_FOR_AN_EXECUTOR = 90
_SECONDS_FOR_ANOTHER = 5
_LOOKS_PER_SECOND = 10
_AS_MANY_AS_CORES = {"spark.sql.shuffle.partitions", "spark.databricks.delta.snapshotPartitions"}
# What Spark says at the step at which it finds that it has ended the session meanwhile.
_ENDED = re.compile(r"stopped SparkContext|SparkContext was shut down|running MetricsSystem|NullPointerException")
# What reads and writes rows in the executors; another version could read or write them otherwise.
_PACKAGES = ("pyspark", "pyarrow", "orjson", "pandas", "numpy")


class MasterSilentError(EnvironmentFaultError):
    """The cluster's master does not register the session."""

    def __init__(self, master: str) -> None:
        super().__init__(
            f"The Spark master at {master} did not register this session within a minute.",
            "See that the master runs and has the same secret (docs/cluster.md), then run again; no row is lost.",
        )


class NoExecutorError(EnvironmentFaultError):
    """The cluster gives the session no executor."""

    def __init__(self, master: str, seconds: int) -> None:
        super().__init__(
            f"The Spark cluster at {master} started no executor within {seconds} seconds.",
            "Start a worker with enough free cores and memory for `spark.executor_cores` and `spark.executor_memory`; "
            "the master's page shows both. Another session may have taken all cores: set `spark.cores_max` for each.",
        )


class WorkerDiffersError(EnvironmentFaultError):
    """A worker is not set up as the driver is."""

    retryable = False

    def __init__(self, host: str, what: str, got: str, expected: str) -> None:
        super().__init__(
            f"The Spark worker on {host} has {what} {got}; the driver has {expected}.",
            "Run workers from the driver's image, or run `make setup` of the same version on each machine.",
        )


class HomeNotSharedError(EnvironmentFaultError):
    """A worker does not see the home's files."""

    retryable = False

    def __init__(self, host: str, home: Path) -> None:
        super().__init__(
            f"The Spark worker on {host} does not see the files of the home {home}.",
            "Mount the home on each machine, under the same path and for the same user.",
        )


def register(start: Callable[[], SparkSession], master: str) -> SparkSession:
    """Start a session and return it, once the master has registered it.

    Args:
        start: Starts the session.
        master: The master, for the message.

    Raises:
        MasterSilentError: The master has not answered, and Spark has ended the session.
    """
    from py4j.protocol import Py4JJavaError  # noqa: PLC0415 - importing Spark takes a second
    from pyspark import SparkContext  # noqa: PLC0415 - as above
    from pyspark.errors import PySparkException  # noqa: PLC0415 - as above

    try:
        return start()
    except (Py4JJavaError, PySparkException) as error:
        if not _ENDED.search(str(error)):
            raise
        context = SparkContext._active_spark_context  # noqa: SLF001 - PySpark would give it to the next session
        if context is not None:
            context.stop()
        raise MasterSilentError(master) from error


def join_cluster(spark: SparkSession, home: Home, settings: SparkSettings) -> None:
    """Prepare the executors of a new session: check how their workers are set up, and send them the engine's code.

    What is set for small machines then follows the number of cores, unless the author has set it.

    Raises:
        NoExecutorError: No executor starts.
        WorkerDiffersError: A worker has other versions of Python or of a package.
        HomeNotSharedError: A worker does not see the home.
    """
    context = spark.sparkContext
    if spark.conf.get(_ARCHIVE_KEY, None) is not None:
        return
    cores = _wait_for_cores(spark, settings.cores_max)
    archive = engine_archive()
    context.addPyFile(str(archive))
    expected = _versions()
    for host, versions, sees_home in set(
        context.parallelize(range(2 * cores), 2 * cores).mapPartitions(_look_from(home.state)).collect()
    ):
        for (what, got), (_, wanted) in zip(versions, expected, strict=True):
            if got != wanted:
                raise WorkerDiffersError(host, what, got, wanted)
        if not sees_home:
            raise HomeNotSharedError(host, home.root)
    # One task for each core, where a single machine needs fewer.
    for key in _AS_MANY_AS_CORES - set(settings.configuration):
        spark.conf.set(key, str(max(2, cores)))
    spark.conf.set(_ARCHIVE_KEY, archive.name)


def check_code_of(spark: SparkSession) -> None:
    """Check that a session's executors run the code that this process has on disk; on one machine they always do.

    Raises:
        CodeChangedError: The engine's files changed after the executors got them.
    """
    archive = spark.conf.get(_ARCHIVE_KEY, None)
    if archive is not None:
        check_code(archive)


def send_modules_below(folder: Path, spark: SparkSession) -> None:
    """Send the author's own modules along with the functions that use them, in the state that this process has.

    On one machine the workers import them themselves.

    Args:
        folder: The folder of the pipeline's source.
        spark: The session, whose executors have the engine's modules alone.
    """
    if spark.conf.get(_ARCHIVE_KEY, None) is None:
        return
    from pyspark.cloudpickle import register_pickle_by_value  # noqa: PLC0415 - as above

    for name, module in list(sys.modules.items()):
        file = Path(getattr(module, "__file__", None) or "/")
        is_installed = "site-packages" in file.parts
        if file.is_relative_to(folder) and not is_installed and name.partition(".")[0] not in {PACKAGE, "__main__"}:
            register_pickle_by_value(module)  # type: ignore[no-untyped-call]


def _wait_for_cores(spark: SparkSession, most: int | None) -> int:
    """Return the cores of the executors, once they have as many as the session takes or no more executors come."""
    context: Any = spark.sparkContext
    store = context._jsc.sc().statusStore()  # noqa: SLF001 - PySpark does not offer it
    cores = looks_since_more = 0
    for _ in range(_SECONDS_FOR_AN_EXECUTOR * _LOOKS_PER_SECOND):
        executors = store.executorList(True)
        found: int = sum(executors.apply(at).totalCores() for at in range(executors.size()))
        looks_since_more = looks_since_more + 1 if found == cores else 0
        cores = found
        has_settled = looks_since_more >= _SECONDS_FOR_ANOTHER * _LOOKS_PER_SECOND
        if cores and (has_settled or cores >= (most or sys.maxsize)):
            return cores
        time.sleep(1 / _LOOKS_PER_SECOND)
    if cores:
        return cores
    raise NoExecutorError(context.master, _SECONDS_FOR_AN_EXECUTOR)


def _versions() -> tuple[tuple[str, str], ...]:
    python = ".".join(platform.python_version_tuple()[:2])
    return (("Python", python), *((name, _version_of(name)) for name in _PACKAGES))


def _version_of(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _look_from(folder: Path) -> Any:
    """Return what a task runs: it tells its host, its versions, and whether it sees the home's state."""

    def look(_: Iterable[int]) -> Iterable[tuple[str, tuple[tuple[str, str], ...], bool]]:
        yield socket.gethostname(), _versions(), os.access(folder, os.R_OK | os.X_OK)

    return look
