"""The options that the commands share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alerts.catalogue import load_alerts
from alerts.settings import Settings, read_settings
from pipeline.clock import SystemClock

if TYPE_CHECKING:
    from alerts.model import Alert


@dataclass(frozen=True)
class Common:
    """What every command goes by.

    Attributes:
        settings: What the environment and `--home` say.
        folder: Where the alerts are.
        clock: The machine's clock.
    """

    settings: Settings
    folder: Path
    clock: SystemClock

    def alerts(self, name: str | None) -> list[Alert]:
        """Return the alert of that name, or all of them for None."""
        return load_alerts(self.folder, [name] if name else [], self.clock.now())


HomeOption = Annotated[Path | None, typer.Option("--home", help="The lakehouse's folder.")]
FolderOption = Annotated[Path, typer.Option("--folder", help="Where the alerts' YAML and SQL files are.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show a failure's traceback.")]
NameArgument = Annotated[str, typer.Argument(help="The alert: its file's name or its own.")]
OptionalName = Annotated[str | None, typer.Argument(help="One alert: its file's name or its own.")]


def common_of(home: Path | None, folder: Path) -> Common:
    """Return what a command's options stand for."""
    return Common(read_settings(home), folder, SystemClock())
