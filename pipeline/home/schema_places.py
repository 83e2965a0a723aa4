"""Where the tables of a target schema and the state of their flows are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class SchemaPlaces:
    """The places of one target schema: its tables and the state of its flows.

    Attributes:
        root: The home's folder.
        name: The schema's name.
        data: The folder of the schema's Delta tables.
        event_log: The event log, a Delta table.
        alert_evaluations: The alerts' evaluations, a Delta table.
        journals: The folder of the journals of changes, a sub-folder for each table that is changed by key.
        file_states: The folder of the file states, one Delta table for each table that reads files.
        schema_logs: The folder of the schema logs, a sub-folder for each table that reads files.
        validations: The folder of the last verdicts on whole tables, a sub-folder for each table.
        data_docs: The folder of Great Expectations' pages.
        suites: The folder of the suites that are generated from rules of declarations.
        graph: The graph of source for Databricks, as it was last resolved.
        full_refresh_intent: The intent of a full refresh, while one runs.
    """

    root: Path
    name: str

    def __post_init__(self) -> None:
        state = self.root / "state"
        self.data = self.root / self.name
        self.event_log = self.data / "event_log"
        self.alert_evaluations = self.data / "alert_evaluations"
        self.journals = state / "changes" / self.name
        self.file_states = state / "files" / self.name
        self.schema_logs = state / "schema_log" / self.name
        self.validations = state / "validations" / self.name
        self.data_docs = state / "data_docs" / self.name
        self.suites = state / "suites" / self.name
        self.graph = state / "graph" / f"{self.name}.json"
        self.full_refresh_intent = state / "full_refresh" / self.name / "intent.json"

    def table(self, name: str) -> TablePlaces:
        """Return the places of one table; a name with a schema before it is of that one."""
        schema, _, table = name.rpartition(".")
        return TablePlaces(self.root, schema or self.name, table)

    def delta_tables(self) -> list[Path]:
        """Return the folders of all Delta tables that exist: those of the schema, the journals, and the file states."""
        tables, journals = self.data.glob("*/_delta_log"), self.journals.glob("*/*/_delta_log")
        logs = [*tables, *journals, *self.file_states.glob("*/_delta_log")]
        return [log.parent for log in sorted(logs)]


@dataclass
class TablePlaces:
    """The places of one table: its data and the state of its flow.

    Attributes:
        root: The home's folder.
        schema: The target schema's name.
        name: The table's name.
        data: The Delta table.
        checkpoints: The folder of the flow's identity and of its checkpoint.
        schema_log: The folder of the versions of the columns.
        journals: The folder of the journal of changes, one for each identity of the flow.
        file_state: The Delta table of the files that the flow has seen.
        reprocess_intent: The intent of a reprocessing, while one runs.
        replay_intent: The intent of a replay, while one runs.
        corrections: The folder of corrected values, one file for each replay that had any.
        last_validation: The last verdicts on the table as a whole.
        damaged: The folder to which a full refresh moves a table that cannot be read.
    """

    root: Path
    schema: str
    name: str

    def __post_init__(self) -> None:
        self.data = self.root / self.schema / self.name
        self.checkpoints = self._state("checkpoints")
        self.schema_log = self._state("schema_log")
        self.journals = self._state("changes")
        self.file_state = self._state("files")
        self.reprocess_intent = self._state("reprocess") / "intent.json"
        self.replay_intent = self._state("replay") / "intent.json"
        self.corrections = self._state("corrections")
        self.last_validation = self._state("validations") / "last.json"
        self.damaged = self._state("damaged")

    def _state(self, kind: str) -> Path:
        return self.root / "state" / kind / self.schema / self.name
