"""Phrases of the old dialect are found with file and line; ordinary English is left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scripts.plain_english import PHRASES, findings, violations

if TYPE_CHECKING:
    from pathlib import Path

DIALECT = [
    ("`x` is no schema name; expected letters", "is no schema"),
    ("numbers that are none", "are none"),
    ("What a reader is told of", "told"),
    ("what is unsaid stays out", "unsaid"),
    ("Whoever opens a table", "Whoever"),
    ("sends what is unsent", "what is unsent"),
    ("as it stands in the file", "stands in"),
    ("its verdict stands beside the others", "stands beside"),
    ("tables that hold some", "hold some"),
    ("Delta waits. Of no rows it makes no commit.", ". Of no"),
    ("| Of a list nothing is written |", "| Of a"),
    ("Files wait so long at most", "so long at most"),
    ("may none break", "may none"),
    ("There is no engine to be had", "to be had"),
]
PLAIN = [
    "There is no Java on this machine.",
    "a table where there is none",
    "is none of our business",
    "it is no longer muted",
    "an OK at first is no news, and a number is no good here",
    "the answer is no: it is not a file",
    "What stands in for what",
    "a standalone cluster; the standard; understands there",
    "one of a list, and a row of no table",
    "holds something; the whole",
    "what is under way, and what is until then unknown",
    "at most so many rows; as many as a batch holds",
    "Of these rows, three pass. Of the two, one is empty.",
]


@pytest.mark.parametrize(("text", "phrase"), DIALECT, ids=[phrase for _, phrase in DIALECT])
def test_phrase_of_the_dialect_is_found(text: str, phrase: str) -> None:
    assert phrase in [found for _, found, _ in findings(text)]


@pytest.mark.parametrize("text", PLAIN)
def test_ordinary_english_is_left_alone(text: str) -> None:
    assert findings(text) == []


@pytest.mark.parametrize("phrase", [phrase for phrase, _ in PHRASES], ids=lambda phrase: phrase.pattern)
def test_every_phrase_is_found_in_these_tests(phrase: object) -> None:
    assert any(phrase.search(text) for text, _ in DIALECT)  # type: ignore[attr-defined]


def test_python_file_is_searched_in_comments_strings_and_test_names_only(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        'told = 1\nx = f"{told} is no name"\n\ndef test_what_is_told() -> None:\n    """One line.\n\n    Whoever reads it.\n    """\n'
    )
    assert [line.rsplit(":", 1)[0] for line in violations(tmp_path, ["a.py"])] == [
        "a.py:2: `is no name`",
        "a.py:7: `Whoever`",
        "a.py:4: `told` in a test's name",
    ]


def test_page_is_searched_line_by_line_also_across_a_line_break(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# Title\n\nThis is\nno title.\n")
    assert violations(tmp_path, ["a.md"]) == ["a.md:3: `is no title`: say `is not a`"]
