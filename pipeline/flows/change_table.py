"""The flow of a change table: each batch of changes replaces the rows of the keys that it changes."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline.declare.change_flow import EVENT_RECORD, OPERATION, TRUNCATE
from pipeline.delta.batch import Batch, Written
from pipeline.delta.merge import delete_matching, replace_keys
from pipeline.delta.rows import SparkRows
from pipeline.delta.table import Table
from pipeline.flows.change_merge import CLOSED, ChangeMerge, facts
from pipeline.flows.change_rows import rows_of
from pipeline.flows.flow import Progress
from pipeline.flows.journal import Journal, of_keys
from pipeline.flows.soundness import check_log, rebuild_remedy
from pipeline.flows.stateful import StatefulFlow
from pipeline.flows.upstream import has_few_rows
from pipeline.foundation.durable_file import replace_file
from pipeline.foundation.errors import AuthorError, DamagedStateError
from pipeline.foundation.identity import RECORD_ID

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pipeline.declare.changes import Changes
    from pipeline.declare.graph import Node
    from pipeline.flows.open import Lakehouse

_FILE = "changes.json"


class ChangeTableFlow(StatefulFlow):
    """Keeps the events of a batch in the journal, and then replaces the rows of the keys that they change.

    A key's rows depend on its events alone, not on the order in which they came. Where a batch's events are newer than
    all others of their keys, they continue what the table holds. Otherwise the rows of the key come from the journal.
    """

    def __init__(self, lakehouse: Lakehouse, node: Node, changes: Changes) -> None:
        super().__init__(lakehouse, node)
        # Its query returns events; what replaces rows is what becomes of them here.
        self.output_mode = "append"
        self._changes = changes

    @property
    def journal(self) -> Journal:
        """The events of every key since the last full refresh."""
        folder = self._lakehouse.places(self.node.name).journals / self.position.flow_id()
        table = Table(folder, self._lakehouse.limits)
        return Journal(table, self._changes, self.node.name, self._lakehouse.spark)

    def source(self) -> DataFrame | None:
        """Return the stream of events, or None while a source has no table yet."""
        source = super().source()
        if source is not None and self.position.planned_batch() < 0:
            replace_file(self.position.checkpoint() / _FILE, json.dumps(self._shape()))
        return source

    def process(self, rows: DataFrame, batch: Batch, /) -> Progress:
        """Bring the table up to date with a batch of events.

        Raises:
            UnorderedChangesError: Events have NULL in a key or in what orders them.
        """
        journal, name = self.journal, self.node.name
        is_one = len(self.sources) == 1
        few = is_one and has_few_rows(self._lakehouse.table(self.sources[0]), self.position, batch.batch_id)
        events = journal.taken(rows, batch, few=few)
        count = journal.row_count(batch)
        if self.table.committed_batch(batch.flow_id) >= batch.batch_id:
            return Progress(count, {name: self.table.written_by(batch)})
        if not count and self.table.exists:
            return Progress(0, {name: Written()})
        merge = ChangeMerge(journal, self.table, few=count <= self._lakehouse.limits.few_rows)
        if self._changes.can_truncate and not events.where(F.col(OPERATION) == TRUNCATE).isEmpty():
            written = self.table.replace(rows_of(journal.everything(), self._changes), batch)
            return Progress(count, {name: written}, facts=facts(written, closed=0))
        late, late_keys = journal.of_overtaken_keys(events, batch, few=merge.few), None
        if late is not None:
            late_keys = merge.keys_of(late)
            newest = of_keys(events, late_keys, self._changes.keys, "left_anti")
            events = late.unionByName(newest, allowMissingColumns=True)
        written, closed = merge.write(events, late_keys, batch)
        return Progress(count, {name: written}, facts={**facts(written, closed), **merge.counted(events, batch)})

    def tables_without_record_id(self) -> list[str]:
        """Return the table if its events do not say which record they come from."""
        stored = self.journal.table.opened()
        return [self.node.name] if stored.columns and EVENT_RECORD[RECORD_ID] not in stored.columns else []

    def take_out(self, rows: DataFrame, batch: Batch) -> dict[str, Written]:
        """Forget the events that come from the same records, and correct the rows of their keys, once for a batch."""
        journal = self.journal
        if not journal.table.exists:
            return {}
        record = EVENT_RECORD[RECORD_ID]
        gone = rows.select(F.col(RECORD_ID).alias(record)).distinct()
        if self.table.committed_batch(batch.flow_id) < batch.batch_id:
            # The rows first: the events say which keys they are about.
            kept = of_keys(journal.everything(), gone, [record], "left_anti")
            if self._changes.can_truncate:
                self.table.replace(rows_of(kept, self._changes), batch)
            else:
                merge = ChangeMerge(journal, self.table, few=False)
                touched = merge.keys_of(of_keys(journal.everything(), gone, [record]))
                self._correct(merge, of_keys(kept, touched, self._changes.keys), touched, batch)
        delete_matching(self._lakehouse.spark, journal.table, gone, [record], batch)
        return {self.node.name: self.table.written_by(batch)}

    def _correct(self, merge: ChangeMerge, events: DataFrame, keys: DataFrame, batch: Batch) -> None:
        merged = merge.replaced(events, keys).drop(CLOSED)
        replace_keys(self._lakehouse.spark, self.table, SparkRows(merged), merge.row_keys, batch)

    def recompute(self, batch: Batch) -> Progress:
        """Do nothing: `take_out` has corrected the rows."""
        del batch
        return Progress(0, {})

    def begin_anew(self, flow_id: str) -> None:
        """Take a new identity; the journal goes with the former one."""
        super().begin_anew(flow_id)
        folder = self._lakehouse.places(self.node.name).journals
        for stale in folder.iterdir() if folder.is_dir() else ():
            if stale.name != flow_id:
                shutil.rmtree(stale, ignore_errors=True)

    def _check_checkpoint(self) -> None:
        super()._check_checkpoint()
        self._check_journal()
        if self.position.planned_batch() >= 0 and self._recorded() != self._shape():
            problem = f"{self.node.dataset.location}: the changes of `{self.node.name}` are declared in another way."
            remedy = f"Run `python -m pipeline run --full-refresh {self.node.name}`, or go back to what they were."
            raise AuthorError(problem, remedy)

    def _check_journal(self) -> None:
        """Check that the journal has the batches that the table has.

        Raises:
            DamagedStateError: It is gone or has lost some.
        """
        journal, flow_id, name = self.journal.table, self.position.flow_id(), self.node.name
        committed = self.table.committed_batch(flow_id)
        if committed >= 0:
            check_log(journal, has_begun=True)
        if committed > journal.committed_batch(flow_id):
            problem = f"The journal of `{name}` has lost commits: {journal.path} does not have batch {committed}."
            raise DamagedStateError(problem, rebuild_remedy(name))

    def _shape(self) -> dict[str, Any]:
        assert self.node.frame is not None
        return self._changes.shape(self.node.frame)

    def _recorded(self) -> Any:
        try:
            return json.loads((self.position.checkpoint() / _FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
