"""Intents: work is written down before it begins, so that the next update finishes it after a kill."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pipeline.foundation.durable_file import replace_file
from pipeline.foundation.errors import DamagedStateError

if TYPE_CHECKING:
    from pathlib import Path


class IntentFile:
    """A file that exists as long as the work it describes is not finished."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, content: dict[str, Any]) -> None:
        """Write the intent; it is on disk when this returns."""
        replace_file(self._path, json.dumps(content, indent=2))

    def read(self) -> dict[str, Any] | None:
        """Return the work that was begun and not finished, or None.

        Raises:
            DamagedStateError: The file cannot be read.
        """
        try:
            content: dict[str, Any] = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            problem = f"The work that an earlier update began cannot be read: {self._path}: {error}."
            remedy = "Delete the file, then rebuild with `python -m pipeline run --full-refresh-all`."
            raise DamagedStateError(problem, remedy) from error
        return content

    def clear(self) -> None:
        """Mark the work as finished."""
        self._path.unlink(missing_ok=True)
