"""What an update is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


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
    """

    refresh: tuple[str, ...] = ()
    full_refresh: tuple[str, ...] = ()
    full_refresh_all: bool = False
    accept_loss: bool = False
    retry_files: bool = False
    reprocess_files: tuple[str, ...] = ()
    reprocess_since: datetime | None = None
