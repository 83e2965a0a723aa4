"""How long Spark's tasks have run for a query."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from py4j.protocol import Py4JError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_NANOSECONDS_IN_A_MILLISECOND = 1_000_000


@dataclass
class ExecutorTimes:
    """How long tasks have run for one query, from Spark's own metrics."""

    spark: SparkSession
    _seen: set[int] = field(default_factory=set)

    def since_last(self) -> dict[str, int]:
        """Return the run time and CPU time of the calling query's tasks since the last call, or nothing if unknown."""
        context = self.spark.sparkContext
        group = context.getLocalProperty("spark.jobGroup.id")
        if group is None:
            return {}
        spark: Any = context._jsc.sc()  # noqa: SLF001
        try:
            # A listener collects the metrics, and may be some events behind.
            spark.listenerBus().waitUntilEmpty()
        except Py4JError:
            return {}
        tracker = context.statusTracker()
        jobs = (tracker.getJobInfo(job) for job in tracker.getJobIdsForGroup(group))
        stages = {int(stage) for job in jobs if job is not None for stage in job.stageIds} - self._seen
        self._seen |= stages
        run = cpu = 0
        for stage in stages:
            try:
                metrics = spark.statusStore().lastStageAttempt(stage)
            except Py4JError:
                # The stage was skipped, because its result was cached.
                continue
            run += metrics.executorRunTime()
            cpu += metrics.executorCpuTime()
        return {"executor_time_ms": run, "executor_cpu_time_ms": cpu // _NANOSECONDS_IN_A_MILLISECOND}
