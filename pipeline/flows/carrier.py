"""One batch carried into the tables and on record, before its flow's position moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.batch import Batch
from pipeline.measuring import ExecutorTimes, measured

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import DataFrame

    from pipeline.flows.flow import Flow, Lakehouse
    from pipeline.reporting import Reporter


def carrier(
    flow: Flow,
    lakehouse: Lakehouse,
    reporter: Reporter,
    update_id: str,
    failures: list[BaseException],
    stopped: Callable[[], bool],
) -> Callable[[DataFrame, int], None]:
    """Return what a flow's query calls with each batch.

    Args:
        flow: What carries the batches.
        lakehouse: What the flow works with.
        reporter: Tells what each batch did.
        update_id: The update that the batches belong to.
        failures: Takes what stopped a batch, which Spark itself passes on as text alone.
        stopped: Tells whether the update was asked to end.
    """
    flow_id = flow.position.flow_id()
    times = ExecutorTimes(lakehouse.spark)

    def carry(rows: DataFrame, batch_id: int) -> None:
        if stopped():
            # An ordinary error: any other would never reach the JVM, which waits for an answer.
            raise InterruptedError
        try:
            batch = Batch(update_id, flow.node.name, flow_id, batch_id)
            reporter.batch_done(flow, batch, measured(flow, lakehouse, rows, batch, times))
            # The position moves when this returns; what was done has to be on record before.
            reporter.flush()
        except BaseException as error:
            failures.append(error)
            raise

    return carry
