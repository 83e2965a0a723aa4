"""Work on rows that are already stored, in the order in which an update does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.rework.full_refresh import FullRefresh
from pipeline.rework.repair import repair
from pipeline.rework.replay import Replays
from pipeline.rework.reprocess import Reprocessing

if TYPE_CHECKING:
    from pipeline.rework.work import UpdateContext
    from pipeline.selection import Selection


@dataclass(frozen=True)
class Rework:
    """Full refreshes, replays, reprocessing and repairs of one update."""

    context: UpdateContext

    def set_up(self, selection: Selection, reset: set[str]) -> None:
        """Finish what earlier updates have begun, and carry out what the selection asks for by hand.

        Every update begins with this.

        Args:
            selection: What the update was asked to do.
            reset: The tables that it empties.

        Raises:
            AuthorError: The selection asks for something that cannot be done; nothing was changed.
            FilesGoneError: Rows would be lost with files that are gone.
        """
        context = self.context
        context.reporter.state("SETTING_UP_TABLES")
        context.reporter.definitions(context.lakehouse, context.flows.all)
        repair(context)
        is_unfinished = bool(context.lakehouse.home.intents())
        if is_unfinished or selection.replay or reset:
            self._empty_and_replay(selection, reset)
        context.reporter.state("RUNNING")
        if is_unfinished:
            Reprocessing(context).finish()

    def _empty_and_replay(self, selection: Selection, reset: set[str]) -> None:
        full_refresh, replays = FullRefresh(self.context), Replays(self.context)
        full_refresh.finish()
        # Replays come before a new reset: the tables that it empties must not get older rows afterwards.
        replays.finish()
        if selection.replay:
            replays.begin(selection.replay)
            replays.finish()
        if reset:
            full_refresh.begin(reset, accept_loss=selection.accept_loss)
            full_refresh.finish()

    def catch_up(self, selection: Selection) -> None:
        """Read files again that are due, and replay rows whose corrections have to be applied again.

        Every complete update without an error ends with this.

        Raises:
            LakehouseError: It could not be done.
        """
        reprocessing, replays = Reprocessing(self.context), Replays(self.context)
        if reprocessing.begin_due(selection):
            reprocessing.finish()
        if replays.begin_due():
            replays.finish()
