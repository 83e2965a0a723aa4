"""Events for the page, newest first, with everything they carry."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from pipeline.errors import told_causes
from pipeline.page.facts import EventFacts, EventPage
from pipeline.record.event_filter import EventFilter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.event_log import Event
    from pipeline.record.record import Record

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


def event_page(
    record: Record,
    *,
    levels: Sequence[str],
    event_types: Sequence[str],
    update: str | None,
    table: str | None,
    limit: int,
) -> EventPage:
    """Return the newest events that fit, newest first."""
    wanted = EventFilter(
        levels=tuple(levels),
        event_types=tuple(event_types),
        update=update,
        tables=(table,) if table else (),
        # One more than is shown tells whether there are older ones.
        limit=limit + 1,
    )
    found = record.events(wanted)
    shown = [_facts(event) for event in reversed(found[-limit:])]
    types = sorted({*TYPES, *(event.event_type for event in found)})
    return EventPage(events=shown, has_older=len(found) > limit, types=types)


def _facts(event: Event) -> EventFacts:
    return EventFacts(
        id=event.id,
        sequence=event.sequence,
        timestamp=event.timestamp,
        level=event.level,
        event_type=event.event_type,
        message=event.message,
        origin={name: value for name, value in asdict(event.origin).items() if value is not None},
        details=event.details,
        error={"exceptions": told_causes(event.error)} if event.error is not None else None,
    )
