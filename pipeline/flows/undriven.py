"""A flow that no stream drives: an update asks it whether a batch is due."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.flows.flow import Flow, Progress

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pipeline.delta.batch import Batch


class UndrivenFlow(Flow):
    """Reads no stream; `due_batch` and `recompute` say what it writes."""

    @property
    def sources(self) -> list[str]:
        """No table: no commit of one drives the flow."""
        return []

    def source(self) -> DataFrame | None:
        """Return no stream."""
        return None

    def process(self, rows: DataFrame, batch: Batch, /) -> Progress:
        """Refuse, because no stream drives the flow."""
        raise NotImplementedError
