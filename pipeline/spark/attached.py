"""One JVM for two Python processes: the session of the first, as the second uses it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pipeline.spark.session import running_session

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def attached_session(port: int, secret: str) -> SparkSession:
    """Return the Spark session of another Python process on this machine, over the JVM that both then share.

    A second call returns the same session, or a new one if the other process has one.

    The JVM stays with the other process: it goes on running when this one ends.

    Args:
        port: The loopback port on which the JVM listens for Python.
        secret: The token that it asks for.
    """
    running = running_session()
    if running is not None:
        return running
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
