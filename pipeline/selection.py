"""What an update is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path


@dataclass(frozen=True)
class ReplayRequest:
    """Which rows of a quarantine go through the current rules again.

    Attributes:
        quarantine: The quarantine.
        record_ids: Only these rows; empty for all.
        rules: Only rows that violated one of these; empty for all.
        corrections: A file of values to put in the place of what was sent, or None.
    """

    quarantine: str
    record_ids: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    corrections: Path | None = None


@dataclass(frozen=True)
class Selection:
    """Which tables an update refreshes, and which files it reads again.

    Attributes:
        refresh: Only these, with what they need; empty for all.
        full_refresh: These are emptied first, with everything downstream.
        full_refresh_all: Every table is emptied first.
        accept_loss: Whether a full refresh may go on although files that were ingested are gone for good.
        retry_files: Whether files that were set aside are read again although they have not changed.
        reprocess_files: Files, by name or path, whose rows are taken out of every table and in again.
        reprocess_since: Files committed at or after this moment are read again.
        validate: No table is refreshed; every table that has table expectations is judged.
        replay: Which quarantined rows go through the rules again; no table is refreshed but those downstream.
    """

    refresh: tuple[str, ...] = ()
    full_refresh: tuple[str, ...] = ()
    full_refresh_all: bool = False
    accept_loss: bool = False
    retry_files: bool = False
    reprocess_files: tuple[str, ...] = ()
    reprocess_since: datetime | None = None
    validate: bool = False
    replay: ReplayRequest | None = None
