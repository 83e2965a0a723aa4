"""Templates are rendered in a process of their own, within limits of time and memory."""

from __future__ import annotations

import atexit
import os
import select
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from alerts.render_process import MOST_SECONDS, receive, send

if TYPE_CHECKING:
    from collections.abc import Mapping

_PROGRAM = Path(__file__).with_name("render_process.py")


class Renderer:
    """Renders templates in a process that starts with the first one and is replaced when one ends it.

    Args:
        longest: How long one template may take.
    """

    def __init__(self, longest: timedelta = timedelta(seconds=MOST_SECONDS)) -> None:
        self._longest = longest
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def render(self, template: str, variables: Mapping[str, Any]) -> tuple[str, str]:
        """Return `text` with the rendered text, `undefined` with a message about a name, or `failed` with a reason."""
        with self._lock:
            try:
                into, out = self._pipes()
                send(into, (template, dict(variables)))
                if not select.select([out], [], [], self._longest.total_seconds())[0]:
                    self._end()
                    return "failed", f"it takes longer than {self._longest.total_seconds():g} s"
                answer: tuple[str, str] = receive(out)
            except (EOFError, OSError):
                self._end()
                return "failed", "it needs too much time or memory"
            return answer

    def close(self) -> None:
        """End the process; the next template starts another."""
        with self._lock:
            self._end()

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            # -P: the files beside the program are not modules for it to import.
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(_PROGRAM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, cwd=os.sep,
            )  # fmt: skip
        if self._process.stdin is None or self._process.stdout is None:
            raise EOFError
        return self._process.stdin, self._process.stdout

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            # Closes the pipes too; what is left in them does not matter.
            process.communicate()


RENDERER = Renderer()
atexit.register(RENDERER.close)
