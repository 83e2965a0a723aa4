"""Files taken out of every table and in again, as one piece of work that survives a kill."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from pipeline.batch import Batch
from pipeline.errors import AuthorError, LakehouseError
from pipeline.fault_points import FaultPoint, reach
from pipeline.flows.flow import FilesGoneError, Progress
from pipeline.flows.ingest import IngestFlow
from pipeline.flows.view import ViewFlow
from pipeline.intent import IntentFile
from pipeline.merge import delete_matching

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import DataFrame

    from pipeline.flows.flow import Flow, Lakehouse
    from pipeline.reporting import Reporter
    from pipeline.selection import Selection


@dataclass(frozen=True)
class Intent:
    """A reprocessing that was begun, written down before anything is taken away.

    Attributes:
        id: The key of all its commits: each of them is made once, whatever is repeated.
        table: The table that read the files.
        paths: The files.
        version: The table's version whose rows are to go.
        flow_id: The flow that had read them; a full refresh since then has read them again anyway.
    """

    id: str
    table: str
    paths: tuple[str, ...]
    version: int
    flow_id: str


class Reprocessing:
    """Takes the rows of some files out of a table and of all that is downstream, and the files in again.

    Records that a file still holds unchanged keep their `record_id`. A kill at any moment is made good by the
    next update, which finishes what the intent names.
    """

    def __init__(self, lakehouse: Lakehouse, flows: list[Flow], reporter: Reporter, update_id: str) -> None:
        self._lakehouse = lakehouse
        self._flows = flows
        self._reporter = reporter
        self._update_id = update_id

    def begin_due(self, selection: Selection) -> bool:
        """Begin what has to be read again, and put other versions that are not read on record.

        Read again are files that were set aside and have changed since (or all of them, if asked), overwritten
        files where the source allows that, and what the selection names.

        Returns:
            Whether anything was begun.

        Raises:
            FilesGoneError: A file that the selection names stands nowhere any more.
            AuthorError: The selection names a file that no table has read, or a table's rows do not say which
                record they are.
        """
        begun = False
        asked = set(selection.reprocess_files)
        for flow in self._flows:
            if isinstance(flow, IngestFlow):
                named = flow.zone.named(asked, selection.reprocess_since)
                asked -= {name for name in asked for path in named if path.endswith(f"/{name.rsplit('/', 1)[-1]}")}
                due = flow.zone.due_again(self._update_id, every_one=selection.retry_files)
                if due and not flow.allows_overwrites and self._inseparable(flow):
                    # Rows of half-read files cannot be told from others; they wait for a full refresh.
                    due = flow.zone.without_rows(due)
                paths = [*named, *due]
                if paths:
                    self.begin(flow, list(dict.fromkeys(paths)))
                    begun = True
        if asked:
            problem = f"No table has read these files: {', '.join(sorted(asked))}."
            raise AuthorError(problem, "`python -m pipeline files` lists what was read.")
        return begun

    def begin(self, flow: IngestFlow, paths: list[str]) -> None:
        """Write down that files are to be reprocessed.

        Raises:
            FilesGoneError: A file stands nowhere any more.
            AuthorError: A table's rows do not say which record they are.
        """
        gone = [path for path in paths if not flow.zone.restore(path)]
        if gone:
            raise FilesGoneError(flow.node.name, gone, "Put them back into the landing zone, or leave them out.")
        inseparable = self._inseparable(flow) if len(flow.zone.without_rows(paths)) < len(paths) else []
        if inseparable:
            dataset = self._lakehouse.dataset(inseparable[0])
            problem = f"{dataset.location}: `{dataset.name}` has no record_id, so its rows cannot be told apart."
            raise AuthorError(problem, f"Run `python -m pipeline run --full-refresh {flow.node.name}` instead.")
        intent = Intent(str(uuid.uuid4()), flow.node.name, tuple(paths), flow.table.version(), flow.position.flow_id())
        self._intent_of(flow.node.name).write(asdict(intent))

    def finish(self, run_flow: Callable[[Flow], None]) -> bool:
        """Carry out what was begun, now or by an earlier update that was cut short.

        Args:
            run_flow: Runs one flow over what is new for it.

        Returns:
            Whether there was anything to do.

        Raises:
            LakehouseError: A flow downstream failed. It has the rows before it as any flow that failed has, and
                nothing is begun again.
        """
        done = False
        for flow in self._flows:
            file = self._intent_of(flow.node.name)
            content = file.read() if isinstance(flow, IngestFlow) else None
            if isinstance(flow, IngestFlow) and content is not None:
                intent = Intent(**{**content, "paths": tuple(content["paths"])})
                is_due = intent.flow_id == flow.position.flow_id()
                failure = self._carry_out(flow, intent, run_flow) if is_due else None
                # What was done has to be on record before nobody remembers that it was begun.
                self._reporter.flush()
                file.clear()
                if failure:
                    raise failure
                done = True
        return done

    def _carry_out(self, flow: IngestFlow, intent: Intent, run_flow: Callable[[Flow], None]) -> LakehouseError | None:
        outdated = flow.rows_of(list(intent.paths), intent.version)
        if outdated is not None and outdated.isEmpty():
            outdated = None
        downstream = self._downstream(flow)
        if outdated is not None:
            for other in reversed(downstream):
                if not isinstance(other, ViewFlow):
                    self._take_out(other, outdated, intent)
            self._take_out(flow, outdated, intent)
        reach(FaultPoint.REPROCESS)
        batch = Batch(self._update_id, flow.node.name, intent.id, 1)
        self._reporter.batch_done(flow, batch, flow.take_again(list(intent.paths), outdated, batch))
        failure = None
        for other in downstream:
            try:
                run_flow(other)
            except LakehouseError as error:
                failure = failure or error
            if isinstance(other, ViewFlow):
                again = Batch(self._update_id, other.node.name, intent.id, 1)
                self._reporter.batch_done(other, again, other.recompute(again))
        return failure

    def _take_out(self, flow: Flow, outdated: DataFrame, intent: Intent) -> None:
        batch = Batch(self._update_id, flow.node.name, intent.id, 0)
        written = {}
        for target in flow.targets:
            table = self._lakehouse.table(target)
            if not table.exists:
                continue
            gone = outdated.select("record_id")
            written[target] = delete_matching(self._lakehouse.spark, table, gone, ["record_id"], batch)
        self._reporter.batch_done(flow, batch, Progress(0, written))

    def _inseparable(self, flow: IngestFlow) -> list[str]:
        """Return the tables whose rows do not say which record they are."""
        flows = [flow, *(other for other in self._downstream(flow) if not isinstance(other, ViewFlow))]
        tables = {target: self._lakehouse.table(target) for each in flows for target in each.targets}
        spark = self._lakehouse.spark
        return [name for name, table in tables.items() if table.exists and "record_id" not in table.read(spark).columns]

    def _downstream(self, flow: IngestFlow) -> list[Flow]:
        names = self._lakehouse.graph.downstream({flow.node.name}) - {flow.node.name}
        return [other for other in self._flows if other.node.name in names]

    def _intent_of(self, table: str) -> IntentFile:
        return IntentFile(self._lakehouse.state("reprocess", table) / "intent.json")
