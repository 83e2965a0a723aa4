"""The result of one measurement, and whether it meets its target."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Result:
    """One cell of the table.

    Attributes:
        ours_seconds: The median of our runs; for memory, gigabytes.
        rival: What ours is held against, or None.
        ratio: Ours over the rival's, or None where there is no rival.
        target: The greatest ratio allowed (without a rival: the greatest `ours_seconds`), or None.
        met: Whether the target is met; None where there is none.
        runs: Every run of ours, in the order they ran.
    """

    name: str
    ours_seconds: float
    rival: str | None
    rival_seconds: float | None
    ratio: float | None
    target: float | None
    met: bool | None
    runs: tuple[float, ...]
    note: str = ""

    @classmethod
    def of(
        cls,
        name: str,
        ours: Sequence[float],
        *,
        rival: str | None = None,
        theirs: Sequence[float] = (),
        target: float | None = None,
        quick_seconds: float = 0.0,
        note: str = "",
    ) -> Result:
        """Return the result of alternating runs: their medians, and the ratio against the target.

        What takes at most `quick_seconds` meets the target whatever the rival takes.
        """
        own = median(ours)
        other = median(theirs) if theirs else None
        ratio = own / other if other else None
        held = own if ratio is None else ratio
        met = None if target is None else held <= target or own <= quick_seconds
        return cls(name, own, rival, other, ratio, target, met, tuple(ours), note)

    def facts(self) -> dict[str, Any]:
        """Return the result as the result file stores it, with seconds rounded to the millisecond."""
        return {key: _rounded(value) for key, value in asdict(self).items() if key != "note" or value}


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3)
    return [_rounded(item) for item in value] if isinstance(value, tuple) else value
