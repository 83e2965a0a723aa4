"""Work that is written down before it begins; the next update finishes it after a kill."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pipeline.home.intents import IntentFile


@dataclass(frozen=True, kw_only=True)
class Intent:
    """Work that was begun.

    Attributes:
        id: The key of all commits of the work: each is made once, however often the work is repeated.
    """

    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @classmethod
    def begun_in(cls, file: IntentFile) -> Self | None:
        """Return the work that a file says was begun and not finished, or None.

        Raises:
            DamagedStateError: The file cannot be read.
        """
        content = file.read()
        return None if content is None else cls(**content)

    def write_to(self, file: IntentFile) -> None:
        """Write the intent; it is on disk when this returns."""
        file.write(asdict(self))


@dataclass(frozen=True, kw_only=True)
class FullRefreshIntent(Intent):
    """A full refresh.

    Attributes:
        flows: The new identity of each flow that begins anew, by the flow's name.
    """

    flows: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class ReprocessIntent(Intent):
    """Files whose rows are taken out of every table and in again.

    Attributes:
        table: The table that read the files.
        paths: The files.
        version: The version of the table whose rows are deleted.
        flow_id: The flow that had read them; after a full refresh the files have been read again anyway.
    """

    table: str
    paths: list[str]
    version: int
    flow_id: str


@dataclass(frozen=True, kw_only=True)
class ReplayIntent(Intent):
    """Quarantined rows that go through the current rules again.

    Attributes:
        quarantine: The quarantine.
        version: Its version when the replay began.
        record_ids: Only these rows; empty for all.
        rules: Only rows that violated one of these; empty for all.
        corrections: The file of corrected values, as a path below the home, or None.
        anew: The records all of whose rows, in every table, are taken out and made anew.
    """

    quarantine: str
    version: int
    record_ids: list[str]
    rules: list[str]
    corrections: str | None = None
    anew: list[str] = field(default_factory=list)
