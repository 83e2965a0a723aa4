"""An update that reads what is there now and ends."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING

from pipeline.rework.rework import Rework
from pipeline.spark.faults import readable
from pipeline.update.validation import Validation

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.declare.graph import Graph
    from pipeline.flows.flow import Flow
    from pipeline.foundation.errors import LakehouseError
    from pipeline.quality.tables.table_judge import TableJudge
    from pipeline.rework.work import UpdateContext
    from pipeline.selection import Selection
    from pipeline.settings import Settings
    from pipeline.update.result import UpdateResult


@dataclass
class TriggeredUpdate:
    """Refreshes tables once, in dependency order.

    Attributes:
        context: The update.
        settings: How often a flow is tried again, and when tables are judged as a whole.
        sleep: Waits some seconds.
        judge: Judges whole tables, if the caller keeps a judge for later updates; otherwise the update has its own.
    """

    context: UpdateContext
    settings: Settings
    sleep: Callable[[float], None]
    judge: TableJudge | None

    @cached_property
    def _validation(self) -> Validation:
        return Validation(self.context.lakehouse, self.settings, self.context.reporter, self.judge)

    @property
    def _judges_tables(self) -> bool:
        return self.settings.table_expectations == "after_update"

    def run(self, selection: Selection, result: UpdateResult) -> None:
        """Refresh the selected tables and note in the result how each flow ended.

        A flow that fails stops those that depend on it; the others go on.

        Raises:
            AuthorError: The selection is wrong; nothing was written.
        """
        graph = self.context.lakehouse.graph
        rework = Rework(self.context)
        by_hand = selection.validate or selection.replay is not None
        chosen, reset = (set[str](), set[str]()) if by_hand else chosen_tables(graph, selection)
        try:
            rework.set_up(selection, reset)
            self._refresh(chosen, result)
            if not result.errors and chosen == {node.name for node in graph.tables}:
                rework.catch_up(selection)
                self.context.flows.clean()
            if selection.validate or self._judges_tables:
                stopped = self._validation.judge(self.context.flows.all, every_one=selection.validate)
                result.errors |= stopped
                result.statuses |= dict.fromkeys(stopped, "FAILED")
        finally:
            self._validation.close()

    def _refresh(self, chosen: set[str], result: UpdateResult) -> None:
        flows = self.context.flows.all
        for flow in flows:
            self.context.reporter.flow_status(flow, "QUEUED" if flow.node.name in chosen else "EXCLUDED")
        for flow in flows:
            if flow.node.name in chosen:
                self._refresh_one(flow, result)
                if self._judges_tables:
                    self._validation.prepare(flow)
            for target in flow.targets:
                result.statuses.setdefault(target, "EXCLUDED")

    def _refresh_one(self, flow: Flow, result: UpdateResult) -> None:
        reporter, name = self.context.reporter, flow.node.name
        broken = [other for other in self.context.lakehouse.graph.upstream({name}) if other in result.errors]
        if broken:
            reporter.flow_status(flow, "SKIPPED", because=f"`{broken[0]}` failed")
            result.errors.setdefault(name, result.errors[broken[0]])
            result.statuses |= dict.fromkeys(flow.targets, "SKIPPED")
            return
        error = self._run(flow)
        if error is None:
            reporter.flow_status(flow, "COMPLETED")
            result.statuses |= dict.fromkeys(flow.targets, "COMPLETED")
        else:
            reporter.flow_failed(flow, error, flow.backlog_of_failed())
            result.errors[name] = error
            result.statuses |= dict.fromkeys(flow.targets, "FAILED")

    def _run(self, flow: Flow) -> LakehouseError | None:
        """Run a flow, again after a wait where the environment failed it, and return what stopped it for good."""
        for attempt in count(1):
            try:
                self.context.runner.run(flow)
            except Exception as raised:  # noqa: BLE001 - whatever stops one flow, the others go on
                error = readable(raised, flow.node.name)
                wait = self.settings.retries.seconds_to_next_attempt(error, attempt)
                if wait is None:
                    return error
                self.context.reporter.flow_retried(flow, error, attempt, wait)
                self.sleep(wait)
            else:
                break
        return None


def chosen_tables(graph: Graph, selection: Selection) -> tuple[set[str], set[str]]:
    """Return the datasets that a selection refreshes, and those of them that are emptied first.

    Raises:
        UnknownNameError: The selection names a table that is not declared.
    """
    everything = {node.name for node in graph.tables}
    reset = everything if selection.full_refresh_all else graph.emptied_with(selection.full_refresh)
    if selection.refresh or (selection.full_refresh and not selection.full_refresh_all):
        return graph.upstream(set(selection.refresh)) | reset, reset
    return everything, reset
