"""What an update has to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path


@dataclass(frozen=True)
class ReplayRequest:
    """Which quarantined rows are judged again by the current rules.

    Attributes:
        quarantine: The quarantine.
        record_ids: Only these rows; empty for all.
        rules: Only rows that violated one of these rules; empty for all.
        corrections: A file of values that replace those that were sent, or None.
    """

    quarantine: str
    record_ids: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    corrections: Path | None = None


@dataclass(frozen=True)
class Selection:
    """Which tables an update refreshes, and which files it reads again.

    Attributes:
        refresh: Refresh only these tables and what they need; empty for all.
        full_refresh: Empty these tables and everything downstream first.
        full_refresh_all: Empty every table first.
        accept_loss: Whether a full refresh may continue although ingested files no longer exist.
        retry_files: Whether set-aside files are read again although they have not changed.
        reprocess_files: Files, by name or path, that are read again; their rows are replaced in every table.
        reprocess_since: Files committed at or after this moment are read again.
        validate: Judge every table that has table expectations, and refresh none.
        replay: Which quarantined rows are judged again; only tables downstream of them are refreshed.
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
