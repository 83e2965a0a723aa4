"""The result of a measurement, and whether it meets its target."""

from __future__ import annotations

from bench.result import Result


def test_result_with_a_rival_compares_the_ratio_of_medians_with_the_target() -> None:
    result = Result.of("update", [9.0, 3.0, 4.0], rival="a rival", theirs=[8.0, 5.0, 2.0], target=0.8)
    assert result.facts() == {
        "name": "update",
        "ours_seconds": 4.0,
        "rival": "a rival",
        "rival_seconds": 5.0,
        "ratio": 0.8,
        "target": 0.8,
        "met": True,
        "runs": [9.0, 3.0, 4.0],
    }


def test_result_above_its_target_is_missed() -> None:
    assert Result.of("update", [4.1], rival="a rival", theirs=[5.0], target=0.8).met is False


def test_result_without_a_rival_compares_seconds_with_the_target() -> None:
    result = Result.of("fresh", [5.0], target=5.0, note="95 of 100")
    assert (result.ratio, result.rival_seconds, result.met) == (None, None, True)
    assert result.facts()["note"] == "95 of 100"


def test_result_without_a_target_is_only_reported() -> None:
    assert Result.of("chart", [1.0], rival="a rival", theirs=[0.5]).met is None


def test_result_quick_enough_meets_its_target_whatever_the_ratio() -> None:
    slow, quick = (
        Result.of("chart", [seconds], rival="a rival", theirs=[0.1], target=2.0, quick_seconds=0.3)
        for seconds in (0.31, 0.3)
    )
    assert (slow.met, quick.met) == (False, True)
