"""The flow from landing files to a table whose declaration has rules of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.delta.rows import Held
from pipeline.flows.ingest import IngestFlow
from pipeline.flows.judged_write import JudgedWrite
from pipeline.flows.made_query import MadeQuery
from pipeline.ingest.batch import facts_of
from pipeline.ingest.file_state import file_records

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.declare.files_source import FilesSource
    from pipeline.declare.graph import Node
    from pipeline.delta.batch import Batch
    from pipeline.flows.flow import Progress
    from pipeline.flows.ingest import Known
    from pipeline.flows.open import Lakehouse
    from pipeline.ingest.file_state import FileRecord
    from pipeline.ingest.landing import LandedFile


class JudgedIngestFlow(IngestFlow):
    """Carries each landed record through a query and its rules, into the table or its quarantine, exactly once."""

    def __init__(self, lakehouse: Lakehouse, node: Node, source: FilesSource) -> None:
        super().__init__(lakehouse, node, source)
        self._writing = JudgedWrite(MadeQuery(lakehouse, node))

    @property
    def targets(self) -> list[str]:
        """The table and, where it has one, its quarantine."""
        return self._writing.targets

    def _ingest(
        self,
        files: list[LandedFile],
        batch: Batch,
        discovered: dict[str, datetime],
        missing: list[FileRecord],
        known: Known | None = None,
    ) -> Progress:
        if not files:
            return super()._ingest(files, batch, discovered, missing, known)
        # A batch that is run again is read again: what judging shows of it is in no table.
        read = self._read(files)
        rows = read.rows.as_frame() if isinstance(read.rows, Held) else self._frame_of(read.rows)
        few = isinstance(read.rows, Held) and read.rows.row_count <= self._lakehouse.limits.few_rows
        progress = self._writing.carry(rows, batch, few=few, stopping=self._writing.stopping)
        if not isinstance(read.rows, Held):
            read.rows.discard()
        committed = self._lakehouse.clock.now()
        records = file_records(files, read.outcomes, batch, self.position.flow_id(), discovered, committed)
        self.zone.add([*records, *missing])
        return replace(progress, facts=facts_of(read.outcomes, read.new_columns))
