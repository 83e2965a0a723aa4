"""The processes of a standalone Spark cluster, with the secret that the home's sessions have."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.foundation.errors import EnvironmentFaultError
from pipeline.spark.cluster import local_folder, own_address, private_defaults
from pipeline.spark.session import java_version

if TYPE_CHECKING:
    from pipeline.home.places import Home

_DEPLOY = "org.apache.spark.deploy"
_DAEMON_OPTIONS = (
    "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dspark.master.rest.enabled=false -Dspark.ui.killEnabled=false"
)
# A master that starts again waits so long for the workers and sessions that it knew; meanwhile it starts no executor.
_RECOVERY_TIMEOUT = "30s"


def become_master(home: Home, host: str, port: int, page_port: int) -> None:
    """Replace this process by a Spark master.

    It listens on one address, takes no application without the home's secret, and offers no REST submission. Started
    again after it died, it takes back the workers and sessions that it had.

    Args:
        home: The lakehouse, which has the secret.
        host: The address to listen on, and by which workers and sessions know the master.
        port: Its port.
        page_port: The port of its page; 0 for any free one.

    Raises:
        EnvironmentFaultError: Java is missing, or the home cannot be written.
    """
    home.make_writable()
    home.cluster_recovery.mkdir(mode=0o700, parents=True, exist_ok=True)
    arguments = ["--host", host, "--port", str(port), "--webui-port", str(page_port)]
    options = (
        f"{_DAEMON_OPTIONS} -Dspark.deploy.recoveryMode=FILESYSTEM -Dspark.deploy.recoveryTimeout={_RECOVERY_TIMEOUT}"
        f' "-Dspark.deploy.recoveryDirectory={home.cluster_recovery}"'
    )
    _become(home, f"{_DEPLOY}.master.Master", host, arguments, options)


def become_worker(
    home: Home, master: str, host: str | None, *, cores: int | None, memory: str | None, page_port: int
) -> None:
    """Replace this process by a Spark worker, whose executors keep their scratch files on this machine.

    Args:
        home: The lakehouse, which has the secret.
        master: The master's address, `spark://host:port`.
        host: The address to listen on; None for the one from which this machine reaches the master.
        cores: The cores to offer; None for all.
        memory: The memory to offer, as `2g`; None for all but one gigabyte.
        page_port: The port of its page; 0 for any free one.

    Raises:
        EnvironmentFaultError: Java is missing, the secret can be neither read nor created, or the master cannot be
            reached.
    """
    host = host or own_address(master)
    arguments = ["--host", host, "--webui-port", str(page_port), "--work-dir", str(local_folder() / "work")]
    arguments += ["--cores", str(cores)] if cores is not None else []
    arguments += ["--memory", memory] if memory is not None else []
    _become(home, f"{_DEPLOY}.worker.Worker", host, [*arguments, master])


def _become(home: Home, main: str, host: str, arguments: list[str], options: str = _DAEMON_OPTIONS) -> None:
    java_version()
    import pyspark  # noqa: PLC0415 - importing Spark takes a second that `--help` need not pay

    spark_home = Path(pyspark.__file__).parent
    environment = os.environ | {
        "SPARK_HOME": str(spark_home),
        "SPARK_CONF_DIR": str(private_defaults(home)),
        "SPARK_LOCAL_IP": host,
        "SPARK_LOCAL_DIRS": str(local_folder()),
        "SPARK_DAEMON_MEMORY": os.environ.get("SPARK_DAEMON_MEMORY", "256m"),
        "SPARK_DAEMON_JAVA_OPTS": options,
        "PYSPARK_PYTHON": sys.executable,
    }
    program = spark_home / "bin" / "spark-class"
    try:
        os.execve(program, [str(program), main, *arguments], environment)  # noqa: S606
    except OSError as error:
        problem = f"{program} does not run: {error.strerror}."
        raise EnvironmentFaultError(problem, "Run `make setup` again.") from error
