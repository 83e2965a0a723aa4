"""Quarantined rows taken through the current rules again, as one piece of work that survives a kill."""

from __future__ import annotations

import os
import shutil
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline.corrections import Corrections, read_corrections
from pipeline.errors import AuthorError, UnknownNameError
from pipeline.flows.stream import VERDICT, StreamFlow
from pipeline.flows.view import ViewFlow
from pipeline.intent import IntentFile
from pipeline.tables import Batch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyspark.sql import DataFrame

    from pipeline.flows.flow import Flow, Lakehouse
    from pipeline.reporting import Reporter
    from pipeline.selection import ReplayRequest

# What says where a row comes from stays as it is.
_FIXED = {"record_id", "source_file", "file_modification_time", "ingestion_timestamp", *VERDICT}


class Replays:
    """Moves rows that now pass from a quarantine to its table, under the `record_id` that they have.

    The intent is written down first, with a copy of the corrections; a kill at any moment is made good by the
    next update, which finishes what the intent names.
    """

    def __init__(self, lakehouse: Lakehouse, flows: list[Flow], reporter: Reporter, update_id: str) -> None:
        self._lakehouse = lakehouse
        self._flows = [flow for flow in flows if isinstance(flow, StreamFlow) and flow.node.dataset.quarantine]
        self._all_flows = flows
        self._reporter = reporter
        self._update_id = update_id

    def begin(self, request: ReplayRequest) -> None:
        """Check a request and write down what it asks for.

        Raises:
            AuthorError: There is no such quarantine, its rows cannot be told apart, or a correction does not fit.
        """
        flow = self._flow_of(request.quarantine)
        quarantine = self._lakehouse.table(request.quarantine)
        if not quarantine.exists or "record_id" not in quarantine.read(self._lakehouse.spark).columns:
            problem = f"`{request.quarantine}` has no rows with a record_id that could be replayed."
            raise AuthorError(problem, "`python -m pipeline quarantine list` shows the rows that there are.")
        intent: dict[str, Any] = {
            "id": str(uuid.uuid4()),
            "quarantine": request.quarantine,
            "version": quarantine.version(),
            "record_ids": list(request.record_ids),
            "rules": list(request.rules),
            "corrections": None,
        }
        rows = self._selected(flow, intent)
        if request.corrections is not None:
            corrections = read_corrections(request.corrections)
            corrections.check(rows, _FIXED, request.corrections)
            intent["corrections"] = self._kept(request.corrections, flow, intent["id"])
        self._reporter.replay_begun(
            request.quarantine,
            {key: intent[key] for key in ("record_ids", "rules", "corrections")},
        )
        self._intent_of(flow).write(intent)

    def finish(self, run_flow: Callable[[Flow], None]) -> None:
        """Carry out what was begun, now or by an earlier update that was cut short.

        Args:
            run_flow: Runs one flow over what is new for it.
        """
        for flow in self._flows:
            intent = self._intent_of(flow).read()
            if intent is not None:
                self._carry_out(flow, intent, run_flow)
                # What was done has to be on record before nobody remembers that it was begun.
                self._reporter.flush()
                self._intent_of(flow).clear()

    def _carry_out(self, flow: StreamFlow, intent: dict[str, Any], run_flow: Callable[[Flow], None]) -> None:
        file = intent["corrections"]
        corrections = read_corrections(self._lakehouse.home.root / file) if file else Corrections({})
        batch = Batch(self._update_id, flow.node.name, intent["id"], 0)
        progress = flow.replay(corrections.applied(self._selected(flow, intent)), batch)
        evidence = {"corrections_file": file, "num_corrected_values": corrections.count}
        self._reporter.batch_done(flow, batch, replace(progress, facts={**progress.facts, **evidence}))
        changed = {flow.node.name, intent["quarantine"]}
        downstream = self._lakehouse.graph.downstream(changed) - changed
        for other in self._all_flows:
            if other.node.name not in downstream:
                continue
            run_flow(other)
            if isinstance(other, ViewFlow) and intent["quarantine"] in other.sources:
                # Rows that were taken away bring no stream anything new.
                again = Batch(self._update_id, other.node.name, intent["id"], 0)
                self._reporter.batch_done(other, again, other.recompute(again))

    def _selected(self, flow: StreamFlow, intent: dict[str, Any]) -> DataFrame:
        """Return the rows that an intent names, with the columns that the flow's source has now."""
        spark = self._lakehouse.spark
        reader = spark.read.format("delta").option("versionAsOf", str(intent["version"]))
        rows = reader.load(str(self._lakehouse.table(intent["quarantine"]).path))
        if intent["record_ids"]:
            rows = rows.where(F.col("record_id").isin(intent["record_ids"]))
        if intent["rules"]:
            violated = F.array(*map(F.lit, intent["rules"]))
            rows = rows.where(F.arrays_overlap("failed_expectations", violated))
        source = self._lakehouse.table(flow.upstream).read(spark).schema
        kept = set(rows.columns) - set(VERDICT)
        missing = F.lit(None)
        return rows.select(
            *(
                F.col(field.name) if field.name in kept else missing.cast(field.dataType).alias(field.name)
                for field in source.fields
            )
        )

    def _kept(self, file: Path, flow: StreamFlow, intent_id: str) -> str:
        """Copy a file of corrections beside the state, and return where, counted from the home."""
        folder = self._lakehouse.state("corrections", flow.node.name)
        folder.mkdir(parents=True, exist_ok=True)
        copy = folder / f"{intent_id}{file.suffix}"
        shutil.copyfile(file, copy)
        with copy.open("rb") as stream:
            os.fsync(stream.fileno())
        return str(copy.relative_to(self._lakehouse.home.root))

    def _flow_of(self, quarantine: str) -> StreamFlow:
        known = {str(flow.node.dataset.quarantine): flow for flow in self._flows}
        if quarantine not in known:
            raise UnknownNameError("quarantine", quarantine, known, "The pipeline")
        return known[quarantine]

    def _intent_of(self, flow: StreamFlow) -> IntentFile:
        return IntentFile(self._lakehouse.state("replay", flow.node.name) / "intent.json")
