"""Globs match the names that Spark's `pathGlobFilter` matches."""

from __future__ import annotations

import pytest

from pipeline.declare.glob import glob_pattern

NAMES = ["a.csv", "b.csv", "ab.csv", "a.json", "a[1].csv", "a,b.csv", "A.csv", "a\nb.csv", "a.csv.tmp"]


@pytest.mark.parametrize(
    ("glob", "matched"),
    [
        ("*", NAMES),
        ("*.csv", ["a.csv", "b.csv", "ab.csv", "a[1].csv", "a,b.csv", "A.csv", "a\nb.csv"]),
        ("?.csv", ["a.csv", "b.csv", "A.csv"]),
        ("[ab].csv", ["a.csv", "b.csv"]),
        ("[a-z].csv", ["a.csv", "b.csv"]),
        ("[^ab].csv", ["A.csv"]),
        ("[!a-z].csv", ["A.csv"]),
        ("a.{csv,json}", ["a.csv", "a.json"]),
        ("{a,{b,ab}}.csv", ["a.csv", "b.csv", "ab.csv"]),
        (r"a\[1\].csv", ["a[1].csv"]),
        ("a[[]1[]].csv", ["a[1].csv"]),
        ("a,b.csv", ["a,b.csv"]),
        ("a.csv", ["a.csv"]),
        ("a}", []),
        ("", []),
    ],
)
def test_glob_matches_whole_names(glob: str, matched: list[str]) -> None:
    assert [name for name in NAMES if glob_pattern(glob).fullmatch(name)] == matched


@pytest.mark.parametrize(
    ("glob", "reason"),
    [
        ("a[b.csv", "a bracket is not closed"),
        ("a[]", "a bracket is not closed"),
        ("{a,b", "a brace is not closed"),
        ("a\\", "nothing follows the last backslash"),
        ("[z-a]", "is not a range of characters"),
    ],
)
def test_glob_that_cannot_be_read_is_refused_with_the_reason(glob: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        glob_pattern(glob)
