"""What a batch cost, and what it left waiting."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from py4j.protocol import Py4JError

from pipeline.flows.backlog import backlog

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from pipeline.batch import Batch
    from pipeline.flows.flow import Flow, Lakehouse, Progress

_NANOSECONDS_IN_A_MILLISECOND = 1_000_000


class ExecutorTimes:
    """How long tasks have run for one query, from Spark's own accounts."""

    def __init__(self, spark: SparkSession) -> None:
        self._context = spark.sparkContext
        self._seen: set[int] = set()

    def since_last(self) -> dict[str, int]:
        """Return the tasks' time, and their share of a processor, in the calling query since the last call."""
        group = self._context.getLocalProperty("spark.jobGroup.id")
        if group is None:
            return {}
        spark: Any = self._context._jsc.sc()  # noqa: SLF001
        try:
            # Accounts are kept by a listener, which may be some events behind.
            spark.listenerBus().waitUntilEmpty()
        except Py4JError:
            return {}
        tracker = self._context.statusTracker()
        jobs = (tracker.getJobInfo(job) for job in tracker.getJobIdsForGroup(group))
        stages = {int(stage) for job in jobs if job is not None for stage in job.stageIds} - self._seen
        self._seen |= stages
        run = cpu = 0
        for stage in stages:
            try:
                account = spark.statusStore().lastStageAttempt(stage)
            except Py4JError:
                # Planned and skipped, because its result was there already.
                continue
            run += account.executorRunTime()
            cpu += account.executorCpuTime()
        return {"executor_time_ms": run, "executor_cpu_time_ms": cpu // _NANOSECONDS_IN_A_MILLISECOND}


def measured(flow: Flow, lakehouse: Lakehouse, rows: DataFrame, batch: Batch, times: ExecutorTimes) -> Progress:
    """Carry one batch into the tables, and return what that did, what it cost and what is left waiting."""
    progress = flow.process(rows, batch)
    waiting = backlog(flow, lakehouse, batch.batch_id)
    return replace(progress, facts={**progress.facts, **waiting, **times.since_last()})
