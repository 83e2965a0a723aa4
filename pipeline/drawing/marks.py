"""How a state is shown: by a sign and a word as well as a colour, because not everybody sees red."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import timedelta


@dataclass(frozen=True)
class Mark:
    """The sign and colours of a state.

    Attributes:
        sign: One character.
        style: The terminal's colour.
        ink: The colour of text and lines in a chart.
        paper: The colour behind them.
    """

    sign: str
    style: str
    ink: str
    paper: str


_WAITING = Mark("·", "dim", "#64748b", "#f8fafc")
_MARKS = {
    "QUEUED": _WAITING,
    "EXCLUDED": Mark("-", "dim", "#64748b", "#f8fafc"),
    "STARTING": Mark("▸", "cyan", "#0369a1", "#f0f9ff"),
    "RUNNING": Mark("▸", "bold cyan", "#0369a1", "#f0f9ff"),
    "COMPLETED": Mark("✔", "green", "#15803d", "#f0fdf4"),
    "FAILED": Mark("✘", "bold red", "#b91c1c", "#fef2f2"),
    "SKIPPED": Mark("⊘", "yellow", "#a16207", "#fefce8"),
    "STOPPED": Mark("■", "yellow", "#a16207", "#fefce8"),
    "CANCELED": Mark("■", "yellow", "#a16207", "#fefce8"),
    "KILLED": Mark("✘", "bold red", "#b91c1c", "#fef2f2"),
}
RUNNING = frozenset({"STARTING", "RUNNING"})
# States in which nothing has gone wrong.
QUIET = frozenset({"", "QUEUED", "EXCLUDED", "STARTING", "RUNNING", "COMPLETED"})
_SPINNER = "◐◓◑◒"


def mark_of(state: str) -> Mark:
    """Return the mark of a flow's or an update's state; unknown states count as running."""
    return _MARKS.get(state, _WAITING if not state else _MARKS["RUNNING"])


def turning(seconds: float) -> str:
    """Return one of four signs that look like a turning wheel as time passes."""
    return _SPINNER[int(seconds * 4) % len(_SPINNER)]


def lasted(duration: timedelta | None) -> str:
    """Return a duration in words: `0.4 s`, `12.3 s`, `2 min 05 s`, `3 h 12 min`."""
    if duration is None:
        return ""
    seconds = duration.total_seconds()
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"  # noqa: PLR2004
