"""The results as a picture: each ratio a bar, its target a mark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# Longer bars end here, so that the others can be told apart; the figure beside them is whole.
_LONGEST_BAR = 6.0
_MET, _MISSED, _REPORTED = "#2a78b5", "#c8553d", "#8a8f98"


def draw(facts: Sequence[dict[str, Any]], file: Path) -> None:
    """Write the results that have a ratio as horizontal bars, the best known first in the order measured."""
    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "smart-factory"
    from matplotlib import pyplot as plt  # noqa: PLC0415 - the backend is chosen first

    shown = [fact for fact in facts if fact["ratio"] is not None]
    figure, axes = plt.subplots(figsize=(9, 1.2 + 0.42 * max(len(shown), 1)))
    for row, fact in enumerate(shown):
        color = {True: _MET, False: _MISSED, None: _REPORTED}[fact["met"]]
        length = min(fact["ratio"], _LONGEST_BAR)
        axes.barh(row, length, color=color, height=0.62)
        unit = "GB" if "memory" in fact["name"] else "s"
        ours, theirs = (f"{fact[key]:.1f} {unit}" for key in ("ours_seconds", "rival_seconds"))
        said = f" {fact['ratio']:.2f}  ({ours} against {theirs}, {fact['rival']})"
        axes.text(max(length, fact["target"] or 0.0), row, said, va="center", fontsize=8)
        if fact["target"] is not None:
            axes.plot([fact["target"]] * 2, [row - 0.38, row + 0.38], color="black", linewidth=2)
    axes.set_yticks(range(len(shown)), [fact["name"] for fact in shown])
    axes.invert_yaxis()
    axes.set_xlim(0, min(max([fact["ratio"] for fact in shown] or [1.0]), _LONGEST_BAR) * 2.2)
    axes.set_xlabel("ours / rival's; less is better; black: the target")
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)
