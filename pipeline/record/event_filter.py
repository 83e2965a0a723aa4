"""Which events somebody asks for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.record.stored_log import LogFile


@dataclass(frozen=True)
class EventFilter:
    """Conditions that an event must meet, all of them; what is not given is not asked.

    Attributes:
        update: The update's id, or how it begins.
        since: The earliest time.
        until: The latest time.
        after: Only events with a greater sequence: what came since the last look.
        limit: At most so many, the newest of them.
    """

    levels: tuple[str, ...] = ()
    event_types: tuple[str, ...] = ()
    update: str | None = None
    tables: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    after: int | None = None
    limit: int | None = None

    def admits(self, file: LogFile) -> bool:
        """Tell whether a file of the log may hold such an event."""
        return (
            (self.update is None or file.may_hold("origin.update_id", self.update))
            and file.may_reach("timestamp", self.since, self.until)
            and file.may_reach("sequence", None if self.after is None else self.after + 1, None)
        )

    def keep(self, events: pa.Table) -> pa.Table:
        """Return the rows of the log that meet the filter."""
        update, dataset = (pc.struct_field(events["origin"], name) for name in ("update_id", "dataset_name"))
        conditions = [
            pc.is_in(column, value_set=pa.array(values))
            for column, values in (
                (events["level"], self.levels),
                (events["event_type"], self.event_types),
                (dataset, self.tables),
            )
            if values
        ]
        if self.update is not None:
            conditions.append(pc.starts_with(update, self.update))
        if self.since is not None:
            conditions.append(pc.greater_equal(events["timestamp"], pa.scalar(self.since)))
        if self.until is not None:
            conditions.append(pc.less_equal(events["timestamp"], pa.scalar(self.until)))
        if self.after is not None:
            conditions.append(pc.greater(events["sequence"], self.after))
        return events.filter(reduce(pc.and_, conditions)) if conditions else events
