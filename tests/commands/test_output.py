"""What commands print."""

from __future__ import annotations

import json

import pytest
from rich.text import Text

from pipeline.commands.output import count_of, print_json, print_table
from tests.conftest import NOON

Captured = pytest.CaptureFixture[str]


def test_table_aligns_numbers_and_prints_text_without_markup(capsys: Captured) -> None:
    print_table(
        "files [new]",
        ("file", "bytes", "modified", "note"),
        [["[red]a.json[/]", 1234567, NOON, None], ["b.json", 8, None, Text("late", "red")]],
    )
    title, _, headings, _, first, second, _ = (line.rstrip() for line in capsys.readouterr().out.splitlines())
    assert title == "files [new]"
    assert [cell.strip() for cell in headings.strip("┃").split("┃")] == ["file", "bytes", "modified", "note"]
    assert first == "│ [red]a.json[/] │ 1,234,567 │ 2026-03-01 12:00:00 │      │"
    assert second == "│ b.json         │         8 │                     │ late │"


def test_json_prints_values_without_a_form_in_json_as_text(capsys: Captured) -> None:
    print_json([{"at": NOON, "rows": 1}])
    assert json.loads(capsys.readouterr().out) == [{"at": "2026-03-01 12:00:00+00:00", "rows": 1}]


@pytest.mark.parametrize(("number", "text"), [(0, "0 files"), (1, "1 file"), (1234, "1,234 files")])
def test_count_has_its_unit_in_the_singular_or_the_plural(number: int, text: str) -> None:
    assert count_of(number, "file") == text
