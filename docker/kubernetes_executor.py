"""Starts an executor in a pod of Kubernetes, from the variables that Spark's driver has set there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pyspark

if TYPE_CHECKING:
    from collections.abc import Mapping

_BACKEND = "org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend"
_OPTION = "SPARK_JAVA_OPT_"


def command(environment: Mapping[str, str], spark_home: Path) -> list[str]:
    """Return the command line of the executor's JVM.

    Args:
        environment: What the driver has set, under the names that Spark's own images read.
        spark_home: The folder of PySpark.
    """
    numbered = sorted(
        (int(name.removeprefix(_OPTION)), value) for name, value in environment.items() if name.startswith(_OPTION)
    )
    java_home = environment.get("JAVA_HOME")
    memory = environment["SPARK_EXECUTOR_MEMORY"]
    class_path = [environment.get("SPARK_CLASSPATH", ""), environment.get("SPARK_CONF_DIR", ""), f"{spark_home}/jars/*"]
    return [
        f"{java_home}/bin/java" if java_home else "java",
        *(option for _, option in numbered),
        f"-Xms{memory}",
        f"-Xmx{memory}",
        "-cp",
        os.pathsep.join(filter(None, class_path)),
        _BACKEND,
        *("--driver-url", environment["SPARK_DRIVER_URL"]),
        *("--executor-id", environment["SPARK_EXECUTOR_ID"]),
        *("--cores", environment["SPARK_EXECUTOR_CORES"]),
        *("--app-id", environment["SPARK_APPLICATION_ID"]),
        *("--hostname", environment["SPARK_EXECUTOR_POD_IP"]),
        *("--resourceProfileId", environment["SPARK_RESOURCE_PROFILE_ID"]),
        *("--podName", environment["SPARK_EXECUTOR_POD_NAME"]),
    ]


def main() -> None:
    """Replace this process by the executor."""
    arguments = command(os.environ, Path(pyspark.__file__).parent)
    os.execvp(arguments[0], arguments)  # noqa: S606


if __name__ == "__main__":
    main()
