"""The only place that builds a Spark session."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.delta.properties import TABLE_PROPERTIES
from pipeline.foundation.errors import EnvironmentFaultError
from pipeline.home.places import CHECKOUT, Home, support_folder
from pipeline.spark.cluster import cluster_options, hand_over_secret
from pipeline.spark.workers import join_cluster, register

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

    from pipeline.spark_settings import SparkSettings

JARS_VARIABLE = "SMART_FACTORY_JARS"
JAVA_VERSIONS = (17, 21)
_JAVA_REMEDY = "Install a Java 17 or 21 (Debian: apt-get install openjdk-17-jre-headless) or set JAVA_HOME to one."

_SETTINGS_FOR_SMALL_MACHINES = {
    # Delta replays its log in 50 tasks by default, each a scheduling round on a laptop.
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.shuffle.partitions": "2",
    # The driver lists files faster than a job does, unless there are very many.
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "100000",
    # Larger batches cost a Python worker hundreds of megabytes if rows are wide.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "20000",
    # A group of rows is decoded as one; by default its size is first looked at after 100 rows, however wide.
    "spark.hadoop.parquet.block.size": str(32 * 1024**2),
    "spark.hadoop.parquet.block.size.row.check.min": "4",
    "spark.hadoop.parquet.page.size.row.check.min": "4",
    # Planning projects a local relation cell by cell: 12 s instead of 1 for 10,000 rows of 200 columns.
    "spark.sql.execution.arrow.localRelationThreshold": "0",
    # The JVM compiles no longer method, and dozens of rules make one; beyond this length Spark makes several.
    "spark.sql.codegen.hugeMethodLimit": "8000",
    # An update needs more than the 100 classes that Spark keeps, and would compile them again each time.
    "spark.sql.codegen.cache.maxEntries": "1000",
    # State on disk, written as changes, is bounded by the disk; in the JVM it would be bounded by the heap.
    "spark.sql.streaming.stateStore.providerClass": (
        "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
    ),
    "spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled": "true",
    # All states together; each operator and partition would take its own buffers.
    "spark.sql.streaming.stateStore.rocksdb.boundedMemoryUsage": "true",
    "spark.sql.streaming.stateStore.rocksdb.maxMemoryUsageMB": "256",
    # The program does not wait for a batch that is being written; the next update finishes it.
    "spark.sql.streaming.stopTimeout": "500ms",
    # The default starts a dozen programs for each checkpoint file, this one four; both rename and check alike.
    "spark.sql.streaming.checkpointFileManagerClass": (
        "org.apache.spark.sql.execution.streaming.checkpointing.FileSystemBasedCheckpointFileManager"
    ),
    # PySpark would look up the source line of every expression: five calls to the JVM and a search for IPython.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    # The pipeline page takes the place of Spark's.
    "spark.ui.enabled": "false",
    # A progress bar would break the live graph.
    "spark.ui.showConsoleProgress": "false",
}
_SETTINGS_FOR_DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    # Columns come from the schema log alone.
    "spark.databricks.delta.schema.autoMerge.enabled": "false",
    **{
        name.replace("delta.", "spark.databricks.delta.properties.defaults.", 1): value
        for name, value in TABLE_PROPERTIES.items()
    },
}


def delta_jars() -> list[Path]:
    """Return the jars of Delta that set-up resolved, sorted.

    Raises:
        EnvironmentFaultError: The folder has no jars.
    """
    folder = Path(os.environ.get(JARS_VARIABLE) or support_folder() / ".jars")
    jars = sorted(folder.glob("*.jar"))
    if not jars:
        problem = f"Delta's jars are missing: no *.jar in {folder}."
        remedy = f"Run `make setup` in a checkout, or name the folder that has them with {JARS_VARIABLE}."
        raise EnvironmentFaultError(problem, remedy)
    return jars


def check_avro_reader() -> None:
    """Check that Spark can read Avro files.

    Raises:
        EnvironmentFaultError: Set-up has not resolved the jar that reads them.
    """
    jars = delta_jars()
    if not any("spark-avro" in jar.name for jar in jars):
        problem = f"Avro files cannot be read: no spark-avro jar in {jars[0].parent}."
        raise EnvironmentFaultError(problem, "Run `make setup`.")


def java_version() -> int:
    """Return the major version of the Java that Spark will start: that of JAVA_HOME, else the first on the PATH.

    Raises:
        EnvironmentFaultError: No Java is installed, it does not run, or Spark 4.2 does not support its version.
    """
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if java is None:
        raise EnvironmentFaultError("There is no Java on this machine.", _JAVA_REMEDY)
    try:
        shown = subprocess.run([java, "-version"], capture_output=True, text=True, check=True).stderr
    except (OSError, subprocess.CalledProcessError) as error:
        problem = f"The Java at {java} does not run: {error}."
        raise EnvironmentFaultError(problem, _JAVA_REMEDY) from error
    match = re.search(r'version "(\d+)', shown)
    major = int(match[1]) if match else 0
    if major not in JAVA_VERSIONS:
        problem = f"The Java at {java} is version {major or shown.strip()}; expected 17 or 21."
        raise EnvironmentFaultError(problem, _JAVA_REMEDY)
    return major


def build_session(
    home: Home, settings: SparkSettings, *, name: str = "Lakehouse", is_lasting: bool = False, data: Home | None = None,
    java_flags: tuple[str, ...] = (),
) -> SparkSession:  # fmt: skip
    """Return a Spark session with Delta, in UTC, whose log goes to a file in the home.

    A second call in a process returns the running session, or a new one if a cluster has ended that.

    Args:
        home: Takes the log and Spark's temporary files.
        settings: What the author has set; `configuration` overrides everything else.
        name: The application's name.
        data: The lakehouse whose tables the tasks read, where that is another home.
        is_lasting: Whether the session will run for long, for which `compiler: auto` compiles thoroughly.
        java_flags: More options of the JVM.

    Raises:
        EnvironmentFaultError: Java or Delta's jars are missing, or the cluster cannot run the session's tasks.
    """
    running = running_session()
    if running is not None:
        return running
    java_version()
    jars = delta_jars()
    for folder in (home.log.parent, home.scratch):
        folder.mkdir(parents=True, exist_ok=True)
    place = _on_this_machine(home, jars) if settings.is_local else cluster_options(settings, jars)
    _set_environment(place["spark.driver.host"])
    # On Kubernetes, the driver makes the secret and gives it to its executors.
    if settings.master.startswith("spark://"):
        place |= hand_over_secret(data or home)
    from pyspark.sql import SparkSession  # noqa: PLC0415 - importing Spark takes a second that `--help` need not pay

    options = {
        **_SETTINGS_FOR_SMALL_MACHINES,
        **_SETTINGS_FOR_DELTA,
        "spark.driver.memory": settings.driver_memory,
        "spark.driver.extraClassPath": os.pathsep.join(str(jar) for jar in jars),
        "spark.driver.extraJavaOptions": " ".join([java_options(home, settings, is_lasting=is_lasting), *java_flags]),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.warehouse.dir": (home.scratch / "spark-warehouse").as_uri(),
        **place,
        **settings.configuration,
    }
    builder = SparkSession.builder.master(settings.where_tasks_run).appName(name)  # noqa: TID251
    for key, value in options.items():
        builder = builder.config(key, value)
    with _stderr_to(home.log):
        spark = builder.getOrCreate() if settings.is_local else register(builder.getOrCreate, settings.master)
    if not settings.is_local:
        join_cluster(spark, data or home, settings)
    return spark


def _set_environment(address: str) -> None:
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(CHECKOUT), os.environ.get("PYTHONPATH")]))
    os.environ["SPARK_LOCAL_IP"] = address
    os.environ.pop("SPARK_HOME", None)


def running_session() -> SparkSession | None:
    """Return this process's session, or None if it has none or a cluster has ended it."""
    if "pyspark" not in sys.modules:
        return None
    from pyspark.sql import SparkSession  # noqa: PLC0415

    session: Any = SparkSession._instantiatedSession  # noqa: SLF001 - Spark would return one that has ended
    if session is None or session.sparkContext._jsc is None:  # noqa: SLF001
        return None
    if session.sparkContext._jsc.sc().isStopped():  # noqa: SLF001
        session.stop()
        return None
    running: SparkSession = session
    return running


def _on_this_machine(home: Home, jars: list[Path]) -> dict[str, str]:
    return {
        **dict.fromkeys(("spark.driver.bindAddress", "spark.driver.host"), "127.0.0.1"),
        "spark.executor.extraClassPath": os.pathsep.join(str(jar) for jar in jars),
        "spark.local.dir": str(home.scratch),
        # On one machine Spark would make a secret of its own, and keep it for this JVM's later sessions on a cluster.
        **dict.fromkeys(("spark.authenticate", "spark.network.crypto.enabled"), "false"),
    }


def java_options(home: Home, settings: SparkSettings, *, is_lasting: bool = False) -> str:
    """Return the command line options of the JVM."""
    configuration = Path(__file__).with_name("log4j2.properties")
    options = {
        "log4j2.configurationFile": configuration.as_uri(),
        "lakehouse.log": str(home.log),
        "derby.system.home": str(home.scratch),
        "user.timezone": "UTC",
    }
    flags = ["-XX:+IgnoreUnrecognizedVMOptions", "--add-modules=jdk.incubator.vector"]
    is_thorough = is_lasting if settings.compiler == "auto" else settings.compiler == "thorough"
    if not is_thorough:
        # One tier reserves 48 MB for compiled code. An hour of updates fills that, and then the JVM discards code.
        flags += ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:ReservedCodeCacheSize=256m"]
    else:
        # In a heap of this size, the default collector costs a tenth more time and a quarter of a gigabyte.
        flags += ["-XX:+UseParallelGC"]
    return " ".join([*flags, *(f'-D{key}="{value}"' for key, value in options.items())])


@contextmanager
def _stderr_to(log: Path) -> Iterator[None]:
    """Start the JVM with its standard error going to a file; this process keeps its own."""
    sys.stderr.flush()
    original = os.dup(2)
    try:
        with log.open("ab") as sink:
            os.dup2(sink.fileno(), 2)
        yield
    finally:
        os.dup2(original, 2)
        os.close(original)
