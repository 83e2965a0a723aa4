"""What one real update has left in a home, and the same for other updates."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.past.past import FOLDER, TABLE, content_of, moment_of, name_of
from pipeline.checkpoint.position import Position
from pipeline.delta.batch import Batch
from pipeline.delta.table import Table
from pipeline.ingest.landing import LandedFile
from pipeline.report.reporter import Reporter

if TYPE_CHECKING:
    from datetime import datetime

    from bench.past.past import Past
    from pipeline.home.places import Home

_SEED = 20260301


@dataclass(frozen=True)
class Template:
    """The rows that the newest update of a home has left, from which those of later ones are made.

    Attributes:
        home: The home.
        past: What it is to have behind it.
        update: The number of the update, counted from 0; it has read as many files as those to come.
        flow_id: The identity of the flow that reads the files.
        events: Its rows in the event log.
        file: A row of the file state.
        row: A row of the table.
    """

    home: Home
    past: Past
    update: int
    flow_id: str
    events: list[dict[str, Any]]
    file: dict[str, Any]
    row: dict[str, Any]

    @classmethod
    def newest_of(cls, home: Home, schema: str, past: Past) -> Template:
        """Return what the newest update of a home has left."""
        places = home.table(schema, TABLE)
        position = Position(places.checkpoints)
        log = Table(home.schema(schema).event_log).rows().sort_by("sequence").to_pylist()
        newest = log[-1]["origin"]["update_id"]
        events = [row for row in log if row["origin"]["update_id"] == newest]
        (file, *_) = (row for row in Table(places.file_state).rows().to_pylist() if row["update_id"] == newest)
        (row,) = (row for row in Table(places.data).rows().to_pylist() if row["source_file"] == file["path"])
        return cls(home, past, position.done_batch(), position.flow_id(), events, file, row)

    def update_id(self, update: int) -> str:
        """Return the id of an update; always the same."""
        return _id(_SEED + update)

    def batch(self, update: int) -> Batch:
        """Return the batch that an update committed."""
        return Batch(self.update_id(update), TABLE, self.flow_id, update)

    def path(self, number: int) -> str:
        """Return the path of a file."""
        return f"{self.home.landing / FOLDER}/{name_of(number)}"

    def rows_of(self, update: int) -> list[dict[str, Any]]:
        """Return what an update added to the table."""
        digits, moment = _id(update).replace("-", "")[:16], moment_of(update)
        return [
            {
                **self.row,
                "record_id": f"{digits}-{place:x}",
                **json.loads(content_of(number)),
                "source_file": self.path(number),
                "file_modification_time": moment,
                "ingestion_timestamp": moment,
            }
            for place, number in enumerate(sorted(self.past.numbers_of(update), key=name_of))
        ]

    def files_of(self, update: int) -> list[dict[str, Any]]:
        """Return the records that an update added to the file state, but for their sequence."""
        moment, batch = moment_of(update), self.batch(update)
        about = {
            "modified_at": moment,
            "discovered_at": moment,
            "committed_at": moment,
            "batch_id": update,
            "update_id": batch.update_id,
            "batch_key": f"{self.flow_id}/{update}",
        }
        records = []
        for number in self.past.numbers_of(update):
            content, path = content_of(number).encode(), self.path(number)
            file = {
                "path": path,
                "size_bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
                "status_changed_at": _status_changed_at(path) or moment,
            }
            records.append({**self.file, **about, **file})
        return records

    def events_of(self, update: int) -> list[dict[str, Any]]:
        """Return the events of an update, in order."""
        first = int(moment_of(update).timestamp() * 1_000_000)
        return [self._event(row, update, first + place) for place, row in enumerate(self.events)]

    def _event(self, row: dict[str, Any], update: int, sequence: int) -> dict[str, Any]:
        batch = self.batch(update)
        old, new = row["origin"]["update_id"], batch.update_id
        origin = {**row["origin"], "update_id": new}
        is_of_batch = origin["batch_id"] is not None
        if is_of_batch:
            origin["batch_id"] = update
        counts = row["level"] == "METRICS" and row["event_type"] == "flow_progress"
        message = row["message"].replace(old[:8], new[:8]).replace(f"batch {self.update}", f"batch {update}")
        return {
            **row,
            "id": Reporter.event_id(batch, TABLE) if counts else _id(sequence),
            "sequence": sequence,
            "origin": origin,
            "timestamp": moment_of(update),
            "message": self._with_listed(message, update),
            "details": self._details(row["details"], update),
        }

    def _listed(self, update: int) -> int:
        """Return how many files stood in the landing zone when an update listed it."""
        return (update + 1) * self.past.files_an_update

    def _with_listed(self, text: str, update: int) -> str:
        return text.replace(
            f"has listed {self._listed(self.update):,} files", f"has listed {self._listed(update):,} files"
        )

    def _details(self, text: str, update: int) -> str:
        listed, batch = '"num_files_listed": {}', '\\"batchId\\": {},'
        start, end = '\\"startOffset\\": {{\\"logOffset\\": {}}}', '\\"endOffset\\": {{\\"logOffset\\": {}}}'
        for pattern, shift in ((batch, 0), (start, -1), (end, 0)):
            text = text.replace(pattern.format(self.update + shift), pattern.format(update + shift))
        return text.replace(listed.format(self._listed(self.update)), listed.format(self._listed(update)))


def _status_changed_at(path: str) -> datetime | None:
    try:
        return LandedFile.found_at(path).status_changed_at
    except FileNotFoundError:
        return None


def _id(number: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, str(number)))
