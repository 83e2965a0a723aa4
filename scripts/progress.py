"""A line for a step that takes minutes: what it does, how far it is, and what it has made."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Self, TextIO

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

_SECONDS_BETWEEN_LOOKS = 2


class Progress:
    """Prints `WHAT ...`, on a terminal with the megabytes so far, and the megabytes and seconds at the end.

    A step that fails leaves its line as it is. Use it with `with`.
    """

    def __init__(self, what: str, folder: Path | None, stream: TextIO | None = None) -> None:
        """Prepare the line.

        Args:
            what: The step, such as `setup: Delta's jars into .jars/`.
            folder: Grows while the step runs; None if nothing does.
            stream: Where to print; standard output by default.
        """
        self._what = what
        self._folder = folder
        self._stream = stream or sys.stdout
        self._started = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._show, daemon=True)

    def __enter__(self) -> Self:
        """Print the line and begin to look at the folder."""
        self._started = time.monotonic()
        self._print(f"{self._what} ...")
        if self._stream.isatty() and self._folder is not None:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the line."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        made = f"{megabytes(self._folder):,} MB in " if self._folder is not None else ""
        done = "" if kind else f" {made}{time.monotonic() - self._started:.0f} s"
        # On a terminal the line is written again, over the last count of megabytes.
        self._print(f"\r{self._what} ...{done}\x1b[K\n" if self._stream.isatty() else f"{done}\n")

    def _show(self) -> None:
        while self._folder is not None and not self._ended.wait(_SECONDS_BETWEEN_LOOKS):
            self._print(f"\r{self._what} ... {megabytes(self._folder):,} MB")

    def _print(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def megabytes(folder: Path) -> int:
    """Return how much the files below a folder take; what vanishes meanwhile does not count."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(parent, name)).st_size  # noqa: PTH118 - tens of thousands of files
            except FileNotFoundError:
                continue
    return total // 2**20
