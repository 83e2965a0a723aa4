"""Work that was begun, written down first so that the next update finishes it after a kill."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from pipeline.errors import DamagedStateError

if TYPE_CHECKING:
    from pathlib import Path


class IntentFile:
    """One file that stands as long as the work it names is not finished."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, content: dict[str, Any]) -> None:
        """Write the intent down; it is safely on disk when this returns."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        scratch = self._path.with_suffix(".tmp")
        with scratch.open("w", encoding="utf-8") as stream:
            json.dump(content, stream, indent=2)
            stream.flush()
            os.fsync(stream.fileno())
        scratch.replace(self._path)

    def read(self) -> dict[str, Any] | None:
        """Return what was begun and not finished, or None.

        Raises:
            DamagedStateError: The file cannot be read.
        """
        try:
            content: dict[str, Any] = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            problem = f"What an earlier update had begun cannot be read: {self._path}: {error}."
            remedy = "Delete the file, then rebuild with `python -m pipeline run --full-refresh-all`."
            raise DamagedStateError(problem, remedy) from error
        return content

    def clear(self) -> None:
        """Note that the work is finished."""
        self._path.unlink(missing_ok=True)
