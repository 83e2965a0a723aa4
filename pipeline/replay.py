"""Quarantined rows taken through the current rules again, as one piece of work that survives a kill."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc
from deltalake import DeltaTable
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline.arrow import arrow_dataset
from pipeline.batch import Batch
from pipeline.corrections import Corrections, KeptCorrections, read_corrections
from pipeline.errors import AuthorError, UnknownNameError
from pipeline.flows.stream import VERDICT, StreamFlow
from pipeline.flows.view import ViewFlow
from pipeline.intent import IntentFile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

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
        intent = self._intent(request.quarantine, request.record_ids, request.rules)
        if request.corrections is not None:
            corrections = read_corrections(request.corrections)
            corrections.check(self._selected(flow, intent), _FIXED, request.corrections)
            text = request.corrections.read_text(encoding="utf-8")
            intent["corrections"] = self._kept(flow, text, request.corrections.suffix, intent["id"])
        self._begin(flow, intent)

    def begin_due(self) -> bool:
        """Begin to replay rows that had been corrected and were quarantined again since, with their corrections.

        That happens to rows whose files were read again, or whose table was filled anew.

        Returns:
            Whether there was any.
        """
        begun = False
        for flow in self._flows:
            newest = KeptCorrections(self._lakehouse.state("corrections", flow.node.name)).newest()
            quarantine = str(flow.node.dataset.quarantine)
            again = {
                record_id: newest[record_id][1]
                for record_id, quarantined_at in self._quarantined(quarantine, list(newest))
                if quarantined_at > newest[record_id][0]
            }
            if again:
                intent = self._intent(quarantine, sorted(again), ())
                intent["corrections"] = self._kept(flow, Corrections(again).text(), ".jsonl", intent["id"])
                self._begin(flow, intent)
                begun = True
        return begun

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
        file, corrections = intent["corrections"], Corrections({})
        if file:
            kept = self._lakehouse.home.root / file
            KeptCorrections(kept.parent).settle(kept)
            corrections = read_corrections(kept)
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

    def _intent(self, quarantine: str, record_ids: Sequence[str], rules: Sequence[str]) -> dict[str, Any]:
        return {
            "id": str(uuid.uuid4()),
            "quarantine": quarantine,
            "version": self._lakehouse.table(quarantine).version(),
            "record_ids": list(record_ids),
            "rules": list(rules),
            "corrections": None,
        }

    def _begin(self, flow: StreamFlow, intent: dict[str, Any]) -> None:
        told = {key: intent[key] for key in ("record_ids", "rules", "corrections")}
        self._reporter.replay_begun(intent["quarantine"], told)
        self._intent_of(flow).write(intent)

    def _quarantined(self, quarantine: str, record_ids: list[str]) -> list[tuple[str, datetime]]:
        """Return which of some records are in a quarantine, and since when."""
        table = self._lakehouse.table(quarantine)
        if not record_ids or not table.exists:
            return []
        wanted = pc.field("record_id").isin(record_ids)
        rows = arrow_dataset(DeltaTable(table.path)).to_table(["record_id", "quarantined_at"], filter=wanted)
        return [(row["record_id"], row["quarantined_at"]) for row in rows.to_pylist()]

    def _kept(self, flow: StreamFlow, text: str, suffix: str, replay_id: str) -> str:
        """Put corrections beside the state, and return where they are once the replay has begun, from the home."""
        kept = KeptCorrections(self._lakehouse.state("corrections", flow.node.name))
        file = kept.prepare(text, suffix, replay_id, self._lakehouse.clock.now())
        return str(file.relative_to(self._lakehouse.home.root))

    def _flow_of(self, quarantine: str) -> StreamFlow:
        known = {str(flow.node.dataset.quarantine): flow for flow in self._flows}
        if quarantine not in known:
            raise UnknownNameError("quarantine", quarantine, known, "The pipeline")
        return known[quarantine]

    def _intent_of(self, flow: StreamFlow) -> IntentFile:
        return IntentFile(self._lakehouse.state("replay", flow.node.name) / "intent.json")
