"""Updates in the page's own process whenever files have come: one process, one warm Spark session for both."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pipeline.arrival import FolderWatch, landing_folders, run_on_arrival
from pipeline.selection import Selection
from pipeline.stop import Stop

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.home import Home
    from pipeline.page.runner import Runner
    from pipeline.settings import Settings


class Arrivals:
    """Has the page's runner update when it starts, and then whenever files have come and settled.

    Whoever starts an update on the page at that moment goes first; the files are read right after.
    """

    def __init__(self, home: Home, settings: Settings, runner: Runner, say: Callable[[str], None]) -> None:
        self._watch = FolderWatch(landing_folders(home, settings))
        self._settings = settings.file_arrival
        self._runner = runner
        self._say = say
        self._stop = Stop()
        self._thread = threading.Thread(target=self._run, name="arrivals", daemon=True)

    def start(self) -> None:
        """Begin, in a thread."""
        self._thread.start()

    def close(self) -> None:
        """Start no more updates. One that runs goes on: the runner ends it."""
        self._stop.ask()
        self._watch.close()

    def _run(self) -> None:
        run_on_arrival(self._watch, self._settings, self._stop, self._update, self._say)

    def _update(self, cause: str) -> None:
        self._say(f"An update runs because of {cause}.")
        for problem in self._runner.run(Selection()):
            self._say(problem)
