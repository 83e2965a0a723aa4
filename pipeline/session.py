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

from pipeline.errors import EnvironmentFaultError
from pipeline.home import CHECKOUT, Home
from pipeline.table_properties import TABLE_PROPERTIES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

    from pipeline.settings import SparkSettings

JARS_VARIABLE = "SMART_FACTORY_JARS"
MEMORY_VARIABLE = "SMART_FACTORY_DRIVER_MEMORY"
JAVA_VERSIONS = (17, 21)
_JAVA_REMEDY = "Install a Java 17 or 21 (Debian: apt-get install openjdk-17-jre-headless) or set JAVA_HOME to one."

_SETTINGS_FOR_SMALL_MACHINES = {
    # Delta replays its log in 50 tasks by default, each a scheduling round on a laptop.
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "100000",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "20000",
    # Rows from Arrow would else become a local relation, which is projected cell by cell while it is planned:
    # 10,000 rows of 200 columns took twelve seconds in place of one.
    "spark.sql.execution.arrow.localRelationThreshold": "0",
    # The JVM compiles no method of more than 8,000 bytes, and Spark makes one of dozens of rules; beyond that length
    # it makes several.
    "spark.sql.codegen.hugeMethodLimit": "8000",
    # An update compiles more than the 100 classes that Spark keeps by default; the next one would compile them again.
    "spark.sql.codegen.cache.maxEntries": "1000",
    # A batch that is being written may not hold up the end of the program; the next update finishes it.
    "spark.sql.streaming.stopTimeout": "500ms",
    # By default Hadoop runs a dozen programs (chmod, stat, readlink) for each file of a checkpoint, for 70 ms; this way
    # four, for 15. On a machine's own disk both give a file its name, and its checksum, by the same calls.
    "spark.sql.streaming.checkpointFileManagerClass": (
        "org.apache.spark.sql.execution.streaming.checkpointing.FileSystemBasedCheckpointFileManager"
    ),
    # Else every expression looks up the line it stands on: five calls of the JVM, and a search for IPython.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
_SETTINGS_FOR_DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.databricks.delta.schema.autoMerge.enabled": "false",
    **{
        name.replace("delta.", "spark.databricks.delta.properties.defaults.", 1): value
        for name, value in TABLE_PROPERTIES.items()
    },
}


def delta_jars() -> list[Path]:
    """Return the jars of Delta that set-up resolved, in a stable order.

    Raises:
        EnvironmentFaultError: They are not there.
    """
    folder = Path(os.environ.get(JARS_VARIABLE) or CHECKOUT / ".jars")
    jars = sorted(folder.glob("*.jar"))
    if not jars:
        problem = f"Delta's jars are missing: no *.jar in {folder}."
        raise EnvironmentFaultError(problem, "Run `make setup`.")
    return jars


def java_version() -> int:
    """Return the major version of the Java that Spark will start.

    Raises:
        EnvironmentFaultError: There is no Java, or one that Spark 4.2 does not run on.
    """
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if java is None:
        problem = "There is no Java on this machine."
        raise EnvironmentFaultError(problem, _JAVA_REMEDY)
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


def build_session(home: Home, settings: SparkSettings, *, name: str = "Smart Factory") -> SparkSession:
    """Return a Spark session with Delta, in UTC, whose log goes to a file in the home.

    A second call returns the session that runs already.

    Raises:
        EnvironmentFaultError: Java or Delta's jars are missing.
    """
    java_version()
    class_path = os.pathsep.join(str(jar) for jar in delta_jars())
    home.log.parent.mkdir(parents=True, exist_ok=True)
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(CHECKOUT), os.environ.get("PYTHONPATH")]))
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    os.environ.pop("SPARK_HOME", None)
    from pyspark.sql import SparkSession  # noqa: PLC0415 - importing Spark takes a second that `--help` need not pay

    builder = SparkSession.builder.master(f"local[{settings.cores}]").appName(name)
    options = {
        **_SETTINGS_FOR_SMALL_MACHINES,
        **_SETTINGS_FOR_DELTA,
        # A container has less memory than the machine that the settings file was written for.
        "spark.driver.memory": os.environ.get(MEMORY_VARIABLE) or settings.driver_memory,
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.extraClassPath": class_path,
        "spark.executor.extraClassPath": class_path,
        "spark.driver.extraJavaOptions": _java_options(home, settings),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.warehouse.dir": (home.state / "spark-warehouse").as_uri(),
        "spark.local.dir": str(_scratch(home)),
        **settings.configuration,
    }
    for key, value in options.items():
        builder = builder.config(key, value)
    with _noise_to(home.log):
        return builder.getOrCreate()


def attached_session(port: int, secret: str) -> SparkSession:
    """Return the Spark session of another Python process on this machine, over the JVM that both then share.

    The other process keeps the JVM; when this one ends, nothing ends there.

    Args:
        port: Where the JVM listens for Python, on the loopback address.
        secret: What it asks of those who come.
    """
    os.environ["PYSPARK_GATEWAY_PORT"] = str(port)
    os.environ["PYSPARK_GATEWAY_SECRET"] = secret
    from pyspark import SparkConf, SparkContext  # noqa: PLC0415
    from pyspark.java_gateway import launch_gateway  # noqa: PLC0415
    from pyspark.sql import SparkSession  # noqa: PLC0415

    gateway: Any = launch_gateway()  # type: ignore[no-untyped-call]
    jvm: Any = gateway.jvm
    context = jvm.JavaSparkContext.fromSparkContext(jvm.org.apache.spark.SparkContext.getOrCreate())
    settings = SparkConf(_jvm=jvm, _jconf=context.getConf())
    return SparkSession(SparkContext(gateway=gateway, jsc=context, conf=settings))


def gateway_of(spark: SparkSession) -> tuple[int, str]:
    """Return the port and the secret with which `attached_session` reaches a session's JVM."""
    parameters = spark.sparkContext._gateway.gateway_parameters  # type: ignore[union-attr]  # noqa: SLF001
    return int(parameters.port), str(parameters.auth_token)


def _scratch(home: Home) -> Path:
    folder = home.state / "scratch"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _java_options(home: Home, settings: SparkSettings) -> str:
    configuration = CHECKOUT / "pipeline" / "log4j2.properties"
    options = {
        "log4j2.configurationFile": configuration.as_uri(),
        "smart.factory.log": str(home.log),
        "derby.system.home": str(home.state / "scratch"),
        "user.timezone": "UTC",
    }
    flags = ["-XX:+IgnoreUnrecognizedVMOptions", "--add-modules=jdk.incubator.vector"]
    if settings.compiler != "thorough":
        # With one tier alone the JVM reserves 48 MB for compiled code, which an hour of updates fills;
        # from then on it throws code away and compiles it again.
        flags += ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:ReservedCodeCacheSize=256m"]
    else:
        # In a heap of this size the default one costs a tenth more time and a quarter of a gigabyte.
        flags += ["-XX:+UseParallelGC"]
    return " ".join([*flags, *(f'-D{key}="{value}"' for key, value in options.items())])


@contextmanager
def _noise_to(log: Path) -> Iterator[None]:
    """Send what the JVM writes to standard error to a file; the process itself keeps its own."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with log.open("ab") as sink:
            os.dup2(sink.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
