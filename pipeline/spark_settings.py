"""How a pipeline's Spark session is built: a part of its settings, which the environment may override."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from pipeline.foundation.clock import read_duration
from pipeline.foundation.errors import AuthorError
from pipeline.foundation.shown import brief

if TYPE_CHECKING:
    from collections.abc import Mapping

_MASTER = re.compile(r"local(\[(\*|\d+)\])?|spark://[^\s,:/]+:\d+(,[^\s,:/]+:\d+)*|k8s://\S+")
# What a machine or a container sets for itself, in place of the file that all share.
SPARK_VARIABLES = {
    "master": "SMART_FACTORY_SPARK_MASTER",
    "warehouse_master": "SMART_FACTORY_WAREHOUSE_MASTER",
    "driver_memory": "SMART_FACTORY_DRIVER_MEMORY",
    "driver_host": "SMART_FACTORY_DRIVER_HOST",
    "executor_memory": "SMART_FACTORY_EXECUTOR_MEMORY",
    "executor_cores": "SMART_FACTORY_EXECUTOR_CORES",
    "cores_max": "SMART_FACTORY_CORES_MAX",
}


def _master(value: str) -> str:
    if not _MASTER.fullmatch(value):
        msg = "expected `local[*]`, `local[<cores>]`, `spark://<host>:<port>` or `k8s://<address>`"
        raise ValueError(msg)
    return value


Master = Annotated[str, AfterValidator(_master)]


class SparkSettings(BaseModel):
    """How the Spark session is built.

    Attributes:
        master: Where tasks run: `local[*]` in this process, `spark://host:port` on a standalone cluster, or
            `k8s://https://host:port` on Kubernetes.
        warehouse_master: The same for the SQL warehouse, which otherwise stays on its own machine.
        driver_memory: The JVM's heap, which all of Spark shares on one machine.
        driver_host: The address of this machine at which the cluster reaches the driver. Default: the address from
            which this machine reaches the master.
        executor_memory: The heap of each executor.
        executor_cores: The cores of each executor. Default: all that a worker offers.
        cores_max: The cores that the session takes from the cluster. Default: all.
        cores: How many cores tasks use on this machine; `*` for all. A cluster ignores it.
        compiler: How thoroughly the JVM compiles. `quick` suits sessions of one or a few updates, `thorough` those
            that run for long. `auto` is `thorough` in the continuous mode and in updates on file arrival, else `quick`.
        configuration: More of Spark's own settings.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    master: Master = "local[*]"
    warehouse_master: Master = "local[*]"
    driver_memory: str = "1536m"
    driver_host: str | None = None
    executor_memory: str = "1g"
    executor_cores: int | None = Field(default=None, ge=1)
    cores_max: int | None = Field(default=None, ge=1)
    cores: int | Literal["*"] = "*"
    compiler: Literal["auto", "quick", "thorough"] = "auto"
    configuration: dict[str, str] = {}

    @property
    def is_local(self) -> bool:
        """Whether tasks run in this process."""
        return self.master.startswith("local")

    def on_this_machine(self) -> SparkSettings:
        """Return these settings for a session whose tasks run in this process."""
        return self.model_copy(update={"master": "local[*]"})

    @property
    def where_tasks_run(self) -> str:
        """The master as Spark reads it, on this machine with the number of cores."""
        return f"local[{self.cores}]" if self.master in {"local", "local[*]"} else self.master

    def with_environment(self, environment: Mapping[str, str]) -> SparkSettings:
        """Return these settings with those that the environment sets, such as `SMART_FACTORY_SPARK_MASTER`.

        Raises:
            AuthorError: A variable's value does not fit.
        """
        given = {field: environment[name] for field, name in SPARK_VARIABLES.items() if environment.get(name)}
        try:
            return SparkSettings.model_validate({**self.model_dump(), **given})
        except ValidationError as error:
            first = error.errors()[0]
            name = SPARK_VARIABLES[str(first["loc"][0])]
            problem = f"The variable {name}: {first['msg']}; got {brief(repr(first.get('input')))}."
            raise AuthorError(problem, "Correct or unset it.") from error


class WarehouseSettings(BaseModel):
    """What one query of the SQL warehouse may cost.

    Attributes:
        query_time_limit: A query that runs longer is canceled.
        result_limit: A query whose compressed result is larger fails.
        result_rows: A query of whose result one of Spark's tasks returns more rows fails.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    query_time_limit: Annotated[timedelta, BeforeValidator(read_duration)] = Field(
        default=timedelta(minutes=2), ge=timedelta(seconds=1)
    )
    result_limit: str = Field(default="64m", pattern=r"^[1-9]\d*[kmg]$")
    result_rows: int = Field(default=200_000, ge=1)
