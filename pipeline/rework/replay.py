"""Quarantined rows that go through the current rules again, also after a kill in between."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline.flows.judged_query import SINCE, VERDICT
from pipeline.flows.replaying import replay, unlike_stored
from pipeline.foundation.errors import AuthorError, LakehouseError, UnknownNameError
from pipeline.foundation.identity import IDENTITY, RECORD_ID
from pipeline.foundation.sql_names import literal
from pipeline.home.intents import IntentFile
from pipeline.rework.corrections import Corrections, KeptCorrections, read_corrections
from pipeline.rework.intents import ReplayIntent
from pipeline.rework.work import Work

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pyspark.sql import DataFrame

    from pipeline.flows.flow import Progress
    from pipeline.flows.stream import StreamFlow
    from pipeline.selection import ReplayRequest

# A correction must not change where a row comes from.
_FIXED = {*IDENTITY, "source_file", "file_modification_time", "ingestion_timestamp", SINCE, *VERDICT}


class Replays(Work):
    """Moves rows that now pass from a quarantine to its table; they keep their identity.

    Where a query makes several rows of a record, a correction is one of the whole record: all its rows are taken out
    and made anew. The same is done where the query no longer makes the rows that it made then.

    The intent is written first, with a copy of the corrections, and the next update finishes what a kill cuts short.
    """

    def begin(self, request: ReplayRequest) -> None:
        """Check a request and write the intent to carry it out.

        Raises:
            AuthorError: There is no such quarantine, its rows have no `record_id`, or a correction does not fit.
            LakehouseError: Records have to be made anew, and a flow downstream failed before that.
        """
        flow = self._flow_of(request.quarantine)
        quarantine = self._lakehouse.table(request.quarantine)
        if not quarantine.exists or RECORD_ID not in quarantine.opened().columns:
            problem = f"`{request.quarantine}` has no rows with a record_id that could be replayed."
            raise AuthorError(problem, "`python -m pipeline quarantine list` shows the rows that there are.")
        if (source := flow.query.unnumbered_source()) is not None:
            problem = f"`{source}` has several rows of a record without `record_row`, which replays need."
            raise AuthorError(problem, f"Run `python -m pipeline run --full-refresh {source}` first.")
        intent = self._intent(request.quarantine, request.record_ids, request.rules)
        rows = flow.query.as_source(self._selected(intent))
        corrections = Corrections({})
        if request.corrections is not None:
            given = read_corrections(request.corrections)
            given.check(rows, _FIXED, request.corrections)
            newest = KeptCorrections(self._lakehouse.places(flow.node.name).corrections).newest()
            corrections = given.added_to({record: values for record, (_, values) in newest.items()})
        intent = replace(intent, anew=self._made_anew(flow, rows, corrections))
        if intent.anew:
            self._check_separable(flow, "record")
            for other in self._flows.downstream(set(flow.targets)):
                # It must have read the rows that are about to go.
                self._runner.run(other)
        if request.corrections is not None:
            text, suffix = corrections.text(), ".jsonl"
            if corrections == given:
                text, suffix = request.corrections.read_text(encoding="utf-8"), request.corrections.suffix
            intent = replace(intent, corrections=self._kept(flow, text, suffix, intent.id))
        self._begin(flow, intent)

    def begin_due(self) -> bool:
        """Begin to replay corrected rows that were quarantined again since, with their corrections.

        This happens to rows whose files were read again, or whose table was filled anew.

        Returns:
            Whether there were any.
        """
        begun = False
        for flow in self._flows.quarantining:
            newest = KeptCorrections(self._lakehouse.places(flow.node.name).corrections).newest()
            quarantine = str(flow.node.dataset.quarantine)
            again = {
                record_id: newest[record_id][1]
                for record_id, quarantined_at in self._quarantined(quarantine, list(newest))
                if quarantined_at > newest[record_id][0]
            }
            # Where they cannot be taken out of a table downstream, they stay in the quarantine.
            if again and not (flow.query.is_numbered and self._inseparable(flow)):
                intent = self._intent(quarantine, sorted(again), ())
                kept = self._kept(flow, Corrections(again).text(), ".jsonl", intent.id)
                anew = sorted(again) if flow.query.is_numbered else []
                self._begin(flow, replace(intent, corrections=kept, anew=anew))
                begun = True
        return begun

    def finish(self) -> None:
        """Carry out replays that were begun, by this update or by an earlier one that was cut short.

        Raises:
            LakehouseError: A flow downstream failed. Its rows wait for it as for any flow that failed; the replay
                itself is finished.
        """
        for flow in self._flows.quarantining:
            intent = ReplayIntent.begun_in(self._intent_of(flow))
            if intent is not None:
                failure = self._carry_out(flow, intent)
                # The events have to be in the log before the intent is gone.
                self._reporter.flush()
                self._intent_of(flow).clear()
                if failure:
                    raise failure

    def _carry_out(self, flow: StreamFlow, intent: ReplayIntent) -> LakehouseError | None:
        file, corrections = intent.corrections, Corrections({})
        if file:
            kept = self._lakehouse.home.root / file
            KeptCorrections(kept.parent).settle(kept)
            corrections = read_corrections(kept)
        evidence = {"corrections_file": file, "num_corrected_values": corrections.count}

        def noted(progress: Progress) -> Progress:
            return replace(progress, facts={**progress.facts, **evidence})

        selected, is_anew = self._selected(intent), F.col(RECORD_ID).isin(intent.anew)
        if not intent.anew or not selected.where(~is_anew).isEmpty():
            one_by_one = selected.where(~is_anew)
            batch, rows = self._batch(flow, intent, 0), corrections.applied(flow.query.as_source(one_by_one))
            self._reporter.batch_done(flow, batch, noted(replay(flow.query, one_by_one, rows, batch)))
        if intent.anew:
            whole = selected.where(is_anew)
            rows = corrections.applied(flow.query.as_source(whole))
            return self._put_in_place(
                flow, whole, intent, lambda batch: noted(flow.make_again(whole, rows, batch)), first=1
            )
        for other in self._flows.downstream(set(flow.targets)):
            self._runner.run(other)
            if intent.quarantine in other.sources:
                # Deleted rows do not appear in any stream.
                again = self._batch(other, intent, 0)
                self._reporter.batch_done(other, again, other.recompute(again))
        return None

    def _made_anew(self, flow: StreamFlow, rows: DataFrame, corrections: Corrections) -> list[str]:
        """Return the records all of whose rows are made anew."""
        if not flow.query.is_numbered:
            return []
        return sorted({*corrections.values, *unlike_stored(flow.query, rows)})

    def _selected(self, intent: ReplayIntent) -> DataFrame:
        """Return the rows that an intent selects."""
        reader = self._lakehouse.spark.read.format("delta").option("versionAsOf", str(intent.version))
        rows = reader.load(str(self._lakehouse.table(intent.quarantine).path))
        if intent.record_ids:
            rows = rows.where(F.col(RECORD_ID).isin(intent.record_ids))
        if intent.rules:
            violated = F.array(*map(F.lit, intent.rules))
            rows = rows.where(F.arrays_overlap("failed_expectations", violated))
        return rows

    def _intent(self, quarantine: str, record_ids: Sequence[str], rules: Sequence[str]) -> ReplayIntent:
        version = self._lakehouse.table(quarantine).version()
        return ReplayIntent(quarantine=quarantine, version=version, record_ids=list(record_ids), rules=list(rules))

    def _begin(self, flow: StreamFlow, intent: ReplayIntent) -> None:
        details = {"record_ids": intent.record_ids, "rules": intent.rules, "corrections": intent.corrections}
        self._reporter.replay_begun(intent.quarantine, details)
        intent.write_to(self._intent_of(flow))

    def _quarantined(self, quarantine: str, record_ids: list[str]) -> list[tuple[str, datetime]]:
        """Return which of some records are in a quarantine, and since when."""
        table = self._lakehouse.table(quarantine)
        if not record_ids or not table.exists:
            return []
        wanted = f"record_id IN ({', '.join(map(literal, record_ids))})"
        rows = table.rows(["record_id", "quarantined_at"], wanted)
        return [(row["record_id"], row["quarantined_at"]) for row in rows.to_pylist()]

    def _kept(self, flow: StreamFlow, text: str, suffix: str, replay_id: str) -> str:
        """Write corrections below the state, and return their path below the home."""
        kept = KeptCorrections(self._lakehouse.places(flow.node.name).corrections)
        file = kept.prepare(text, suffix, replay_id, self._lakehouse.clock.now())
        return self._lakehouse.home.relative(file)

    def _flow_of(self, quarantine: str) -> StreamFlow:
        known = {str(flow.node.dataset.quarantine): flow for flow in self._flows.quarantining}
        node = self._lakehouse.graph.nodes.get(quarantine)
        owner = node.quarantine_of if node is not None else None
        if quarantine not in known and owner is not None:
            problem = f"`{quarantine}` has rows that the query of `{owner}` made, not rows of its source."
            raise AuthorError(problem, f"Correct the source, or run `python -m pipeline run --full-refresh {owner}`.")
        if quarantine not in known:
            raise UnknownNameError("quarantine", quarantine, known, "The pipeline")
        return known[quarantine]

    def _intent_of(self, flow: StreamFlow) -> IntentFile:
        return IntentFile(self._lakehouse.places(flow.node.name).replay_intent)
