"""The picture of the results."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("matplotlib", reason="the benchmark's packages come with `make bench`")

from bench.picture import draw
from bench.result import Result

if TYPE_CHECKING:
    from pathlib import Path

RESULTS = [
    Result.of("growing", [1.5], rival="itself", theirs=[3.0], target=1.2),
    Result.of("warm", [1.5], target=3.0),
    Result.of("late", [6.0], target=5.0),
    Result.of("plain", [2.0], rival="another", theirs=[1.0]),
    Result.of("unrivalled", [4.0]),
]


def test_picture_has_a_bar_for_each_result_with_a_rival_or_a_target(tmp_path: Path) -> None:
    draw([result.facts() for result in RESULTS], tmp_path / "a.svg")
    drawn = (tmp_path / "a.svg").read_text(encoding="utf-8")
    for said in (
        "0.50  (1.5 s against 3.0 s, itself)",
        "0.50  (1.5 s, target 3 s)",
        "1.20  (6.0 s, target 5 s)",
        "2.00  (2.0 s against 1.0 s, another)",
    ):
        assert f"<!--  {said} -->" in drawn
    assert "unrivalled" not in drawn


def test_picture_of_no_results_is_drawn(tmp_path: Path) -> None:
    draw([], tmp_path / "a.svg")
    assert (tmp_path / "a.svg").stat().st_size
