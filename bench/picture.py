"""The results as a picture: each ratio a bar, its target a mark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# Longer bars are cut off here, so that the others stay readable; the figure next to a bar is exact.
_LONGEST_BAR = 6.0
_MET, _MISSED, _REPORTED = "#2a78b5", "#c8553d", "#8a8f98"


def draw(facts: Sequence[dict[str, Any]], file: Path) -> None:
    """Write the results as horizontal bars in the order measured; those without a rival against their targets.

    What has neither has no bar.
    """
    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "smart-factory"
    from matplotlib import pyplot as plt  # noqa: PLC0415 - the backend is chosen first

    shown = [fact for fact in facts if fact["ratio"] is not None or fact["target"] is not None]
    figure, axes = plt.subplots(figsize=(9, 1.2 + 0.42 * max(len(shown), 1)))
    longest = 1.0
    for row, fact in enumerate(shown):
        ratio, target, said = _bar(fact)
        color = {True: _MET, False: _MISSED, None: _REPORTED}[fact["met"]]
        length = min(ratio, _LONGEST_BAR)
        longest = max(longest, length)
        axes.barh(row, length, color=color, height=0.62)
        axes.text(max(length, target or 0.0), row, f" {ratio:.2f}  ({said})", va="center", fontsize=8)
        if target is not None:
            axes.plot([target] * 2, [row - 0.38, row + 0.38], color="black", linewidth=2)
    axes.set_yticks(range(len(shown)), [fact["name"] for fact in shown])
    axes.invert_yaxis()
    axes.set_xlim(0, longest * 2.2)
    axes.set_xlabel("ours / rival's, without a rival ours / target; less is better; black: the target")
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)


def _bar(fact: dict[str, Any]) -> tuple[float, float | None, str]:
    """Return a result's length and target as ratios, and its figures in words."""
    unit = "GB" if "memory" in fact["name"] else "s"
    ours = f"{fact['ours_seconds']:.1f} {unit}"
    if fact["ratio"] is not None:
        return fact["ratio"], fact["target"], f"{ours} against {fact['rival_seconds']:.1f} {unit}, {fact['rival']}"
    return fact["ours_seconds"] / fact["target"], 1.0, f"{ours}, target {fact['target']:g} {unit}"
