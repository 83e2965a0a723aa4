"""Events for the page, newest first, with their details."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from pipeline.events.stored_log import EventFilter
from pipeline.foundation.errors import causes_of
from pipeline.page.facts import EventFacts, EventPage

if TYPE_CHECKING:
    from pipeline.events.event import Event
    from pipeline.events.history import Record

TYPES = (
    "create_update",
    "user_action",
    "update_progress",
    "dataset_definition",
    "flow_definition",
    "flow_progress",
    "operation_progress",
    "stream_progress",
)


class EventQuery(BaseModel):
    """Which events are asked for."""

    level: list[str] = Field(default=[], description="INFO, WARN, ERROR or METRICS; repeat for several.")
    event_type: list[str] = Field(default=[], description="An event type, as flow_progress; repeat for several.")
    update: str | None = Field(default=None, description="An update's id, or its first characters.")
    table: str | None = Field(default=None, description="A dataset's name.")
    limit: int = Field(default=200, ge=1, le=20_000)

    def found_in(self, record: Record) -> EventPage:
        """Return the newest events that match, newest first."""
        wanted = EventFilter(
            levels=tuple(self.level),
            event_types=tuple(self.event_type),
            update=self.update,
            tables=(self.table,) if self.table else (),
            # One extra event shows whether there are older ones.
            limit=self.limit + 1,
        )
        found = record.events(wanted)
        shown = [_facts(event) for event in reversed(found[-self.limit :])]
        types = sorted({*TYPES, *(event.event_type for event in found)})
        return EventPage(events=shown, has_older=len(found) > self.limit, types=types)


def _facts(event: Event) -> EventFacts:
    origin = {name: value for name, value in asdict(event.origin).items() if value is not None}
    error = {"exceptions": causes_of(event.error)} if event.error is not None else None
    return EventFacts(**{**vars(event), "origin": origin, "error": error})
