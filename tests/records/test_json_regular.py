"""Blocks of an array that end wherever they end."""

from __future__ import annotations

import pytest

from pipeline.records.json_regular import take_elements


@pytest.mark.parametrize(
    ("block", "final", "taken", "rest"),
    [
        pytest.param(b'[{"a": 1}, {"a": 2}, {"a"', False, [{"a": 1}, {"a": 2}], b'{"a"', id="flat"),
        pytest.param(b'[{"a": [{"b": 1}]}, {"a": [{"b": 2}, {', False, [{"a": [{"b": 1}]}], b'{"a": [{"b": 2}, {', id="nested"),
        pytest.param(b', {"a": {"b": 1}}, {"b": 2}]', True, [{"a": {"b": 1}}, {"b": 2}], b"]", id="final"),
        pytest.param(b'{"a": "{\\"a\\": "}, {"b": 1}', False, [{"a": '{"a": '}, {"b": 1}], b"", id="brace_in_a_text"),
    ],
)  # fmt: skip
def test_objects_that_are_whole_are_taken_and_the_rest_is_left(
    block: bytes, final: bool, taken: list[object], rest: bytes
) -> None:
    found = take_elements(block, final)
    assert found is not None
    assert (found.records, found.rest) == (taken, rest)


def test_block_in_which_no_object_ends_is_refused() -> None:
    assert take_elements(b'[{"a": [{"b": 1}, {"b"', False) is None
