"""Row rules that Python computes."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.quality.python_rules import has_time_format, is_json


@pytest.mark.parametrize(
    ("value", "expected"),
    [('{"a": 1}', True), ("NaN", True), (" 1 ", True), ("", False), ("{", False), ("[" * 100_000, False), (1.5, False)],
)
def test_text_is_json_where_python_reads_it(value: Any, expected: bool) -> None:
    assert is_json(value) is expected


@pytest.mark.parametrize(
    ("value", "time_format", "expected"),
    [
        ("2026-02-28", "%Y-%m-%d", True),
        ("2026-2-8", "%Y-%m-%d", True),
        ("2026-02-30", "%Y-%m-%d", False),
        ("2026-02-28 ", "%Y-%m-%d", False),
        ("it's 9", "it's %H", True),
        (None, "%Y", False),
    ],
)
def test_text_has_a_time_format_where_python_reads_it(value: str | None, time_format: str, expected: bool) -> None:
    assert has_time_format(value, time_format) is expected
