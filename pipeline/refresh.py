"""What one update does, in order: what was begun before, the flows, what is due again, the tables as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.faults import readable
from pipeline.flows.backlog import backlog_of_failed
from pipeline.flows.plan import chosen_tables, clean_landing_zones, flows_of
from pipeline.repair import repair
from pipeline.replay import Replays
from pipeline.reprocess import Reprocessing
from pipeline.reset import FullRefresh
from pipeline.retry import retried
from pipeline.validation import Validation

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.event_log import EventLog
    from pipeline.flows.flow import Flow, Lakehouse
    from pipeline.quality.table_judge import TableJudge
    from pipeline.reporting import Reporter
    from pipeline.result import FlowStatus, UpdateResult
    from pipeline.selection import Selection
    from pipeline.settings import Settings


class Refresh:
    """The work of one update over one opened lakehouse."""

    def __init__(
        self,
        lakehouse: Lakehouse,
        settings: Settings,
        reporter: Reporter,
        log: EventLog,
        update_id: str,
        run_flow: Callable[[Flow], None],
        sleep: Callable[[float], None],
        judge: TableJudge | None = None,
    ) -> None:
        self.flows = flows_of(lakehouse)
        self._lakehouse = lakehouse
        self._settings = settings
        self._reporter = reporter
        self._run_flow = run_flow
        self._sleep = sleep
        self._judge = judge
        self._files_again = Reprocessing(lakehouse, self.flows, reporter, update_id)
        self._replays = Replays(lakehouse, self.flows, reporter, update_id)
        self._anew = FullRefresh(lakehouse, self.flows, reporter, log, update_id)

    def begin(self, selection: Selection, reset: set[str]) -> None:
        """Finish what earlier updates have begun, and begin what the selection asks for by hand."""
        self._reporter.state("SETTING_UP_TABLES")
        self._reporter.definitions(self._lakehouse, self.flows)
        repair(self._lakehouse, self.flows, self._reporter)
        self._anew.finish()
        # Before a reset: what it empties must not get rows of an earlier time afterwards.
        self._replays.finish(self._run_flow)
        if selection.replay:
            self._replays.begin(selection.replay)
            self._replays.finish(self._run_flow)
        if reset:
            self._anew.begin(reset, accept_loss=selection.accept_loss)
            self._anew.finish()
        self._reporter.state("RUNNING")
        self._files_again.finish(self._run_flow)

    def run(self, selection: Selection, result: UpdateResult) -> None:
        """Refresh the selected tables in dependency order, and note how each flow ended."""
        by_hand = selection.validate or selection.replay is not None
        chosen, reset = (set(), set()) if by_hand else chosen_tables(self._lakehouse.graph, selection)
        after_update = self._settings.table_expectations == "after_update"
        validation = Validation(self._lakehouse, self._settings, self._reporter, self._judge)
        try:
            self.begin(selection, reset)
            self._refresh(chosen, result, validation.prepare if after_update else lambda _: None)
            self._clean_up(chosen, selection, result)
            if selection.validate or after_update:
                stopped = validation.judge(self.flows, every_one=selection.validate)
                result.errors |= stopped
                result.statuses |= dict.fromkeys(stopped, "FAILED")
        finally:
            validation.close()

    def _refresh(self, chosen: set[str], result: UpdateResult, prepare: Callable[[Flow], None]) -> None:
        for flow in self.flows:
            self._reporter.flow_status(flow, "QUEUED" if flow.node.name in chosen else "EXCLUDED")
        for flow in self.flows:
            if flow.node.name in chosen:
                self._refresh_one(flow, result)
                prepare(flow)
            for target in flow.targets:
                result.statuses.setdefault(target, "EXCLUDED")

    def _clean_up(self, chosen: set[str], selection: Selection, result: UpdateResult) -> None:
        """Read files again that are due, correct rows again, and clean the landing zone.

        Only after a whole update without an error.
        """
        if not result.errors and chosen == {node.name for node in self._lakehouse.graph.tables}:
            if self._files_again.begin_due(selection):
                self._files_again.finish(self._run_flow)
            if self._replays.begin_due():
                self._replays.finish(self._run_flow)
            clean_landing_zones(self.flows)

    def _refresh_one(self, flow: Flow, result: UpdateResult) -> None:
        status: FlowStatus = "COMPLETED"
        broken = [name for name in self._lakehouse.graph.upstream({flow.node.name}) if name in result.errors]
        if broken:
            status = "SKIPPED"
            self._reporter.flow_status(flow, status, because=f"`{broken[0]}` failed")
            result.errors.setdefault(flow.node.name, result.errors[broken[0]])
        else:
            try:
                retried(
                    lambda: self._run_flow(flow),
                    self._settings.retries,
                    self._sleep,
                    lambda error, attempt, wait: self._reporter.flow_retried(flow, error, attempt, wait),
                )
                self._reporter.flow_status(flow, status)
            except Exception as raised:  # noqa: BLE001 - whatever stops one flow, the others go on
                error = readable(raised, flow.node.name)
                status = "FAILED"
                result.errors[flow.node.name] = error
                self._reporter.flow_failed(flow, error, backlog_of_failed(flow, self._lakehouse))
        result.statuses |= dict.fromkeys(flow.targets, status)
