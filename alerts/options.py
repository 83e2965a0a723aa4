"""The options that the commands share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alerts.catalogue import load_alerts
from alerts.settings import Settings, read_settings
from pipeline.foundation.clock import SystemClock
from pipeline.rework.migration import ensure_current

if TYPE_CHECKING:
    from alerts.model import Alert


@dataclass(frozen=True)
class Common:
    """What every command needs.

    Attributes:
        settings: The environment's settings, with `--home`.
        folder: The folder of the alerts.
        clock: The machine's clock.
    """

    settings: Settings
    folder: Path
    clock: SystemClock

    def alerts(self, name: str | None) -> list[Alert]:
        """Return the alert of that name, or all of them for None."""
        return load_alerts(self.folder, [name] if name else [], self.clock.now())


FolderOption = Annotated[Path, typer.Option("--folder", help="The folder of the alerts' YAML and SQL files.")]
NameArgument = Annotated[str, typer.Argument(help="The alert: its file's name or its own.")]
OptionalName = Annotated[str | None, typer.Argument(help="One alert: its file's name or its own.")]


def common_of(home: Path | None, folder: Path, *, to_write: bool = False) -> Common:
    """Return what a command needs for its options.

    Args:
        home: The home, or None for the one of the environment.
        folder: The folder of the alerts.
        to_write: Whether the command writes into the home; an older home is brought to the current format first.

    Raises:
        PipelineBusyError: The home is older, and an update holds it.
    """
    common = Common(read_settings(home), folder, SystemClock())
    if to_write:
        ensure_current(common.settings.home, common.clock)
    return common
