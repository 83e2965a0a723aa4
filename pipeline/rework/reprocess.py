"""Files whose rows are taken out of every table and in again, also after a kill in between."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.flows.flow import FilesGoneError
from pipeline.foundation.errors import AuthorError, LakehouseError
from pipeline.home.intents import IntentFile
from pipeline.rework.intents import ReprocessIntent
from pipeline.rework.work import Work

if TYPE_CHECKING:
    from pipeline.flows.ingest import IngestFlow
    from pipeline.selection import Selection


class Reprocessing(Work):
    """Takes the rows of some files out of a table and all tables downstream, and the files in again.

    Records that are unchanged in a file keep their `record_id`. The intent is written first, and the next update
    finishes what a kill cuts short.
    """

    def begin_due(self, selection: Selection) -> bool:
        """Begin to read files again that are due, and note other versions of files that are not read.

        Due are files that were set aside and have changed since (or all of them, if the selection says so),
        overwritten files where the source allows that, and files that the selection names.

        Returns:
            Whether any file is due.

        Raises:
            FilesGoneError: A file that the selection names is neither in the landing zone nor in the archive.
            AuthorError: The selection names a file that no table has read, or a table has no `record_id`.
        """
        begun = False
        asked = set(selection.reprocess_files)
        for flow in self._flows.ingesting:
            named = flow.zone.named(asked, selection.reprocess_since)
            asked -= {name for name in asked for path in named if path.endswith(f"/{name.rsplit('/', 1)[-1]}")}
            due = flow.zone.due_again(self._update_id, every_one=selection.retry_files)
            if due and not flow.allows_overwrites and self._inseparable(flow):
                # The rows of half-read files cannot be found, so these files wait for a full refresh.
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
        """Write the intent to reprocess files.

        Raises:
            FilesGoneError: A file is neither in the landing zone nor in the archive.
            AuthorError: A table has no `record_id`, so that the rows of a file cannot be found.
        """
        gone = [path for path in paths if not flow.zone.restore(path)]
        if gone:
            raise FilesGoneError(flow.node.name, gone, "Put them back into the landing zone, or leave them out.")
        if len(flow.zone.without_rows(paths)) < len(paths):
            self._check_separable(flow, "file")
        version, flow_id = flow.table.version(), flow.position.flow_id()
        intent = ReprocessIntent(table=flow.node.name, paths=paths, version=version, flow_id=flow_id)
        intent.write_to(self._intent_of(flow))

    def finish(self) -> bool:
        """Carry out work that was begun, by this update or by an earlier one that was cut short.

        Returns:
            Whether there was anything to do.

        Raises:
            LakehouseError: A flow downstream failed. Its rows wait for it as for any flow that failed; the
                reprocessing itself is finished.
        """
        done = False
        for flow in self._flows.ingesting:
            file = self._intent_of(flow)
            intent = ReprocessIntent.begun_in(file)
            if intent is not None:
                is_due = intent.flow_id == flow.position.flow_id()
                failure = self._carry_out(flow, intent) if is_due else None
                # The events have to be in the log before the intent is gone.
                self._reporter.flush()
                file.clear()
                if failure:
                    raise failure
                done = True
        return done

    def _carry_out(self, flow: IngestFlow, intent: ReprocessIntent) -> LakehouseError | None:
        outdated = flow.rows_of(intent.paths, intent.version)
        if outdated is not None and outdated.isEmpty():
            outdated = None
        return self._put_in_place(flow, outdated, intent, lambda batch: flow.take_again(intent.paths, outdated, batch))

    def _intent_of(self, flow: IngestFlow) -> IntentFile:
        return IntentFile(self._lakehouse.places(flow.node.name).reprocess_intent)
