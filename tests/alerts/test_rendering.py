"""Templates cost a process of their own, within limits of time, memory and size."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from alerts.rendering import Renderer

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOP = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    found = Renderer()
    yield found
    found.close()


@pytest.mark.parametrize(
    ("template", "outcome", "said"),
    [
        ("{{ name | upper }}", "text", "ADA"),
        ("{{ nobody }}", "undefined", "'nobody' is undefined"),
        ("{{ 5 % 0 }}", "failed", "ZeroDivisionError"),
        ("{{ name.__class__.__mro__ }}", "failed", "unsafe"),
        ("{{ name | nothing }}", "failed", "No filter named"),
        ("{% for x in %}", "failed", "TemplateSyntaxError"),
        ("{{ '%.999999999f' | format(1.5) }}", "failed", "memory"),
        ("{{ '{:999999999}'.format(1) }}", "failed", "memory"),
        ("{{ 'a' * 10 ** 9 }}", "failed", "memory"),
        ("{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}", "failed", "RecursionError"),
    ],
)
def test_template_gives_its_text_or_what_went_wrong(renderer: Renderer, template: str, outcome: str, said: str) -> None:
    found = renderer.render(template, {"name": "Ada"})
    assert (found[0], said in found[1]) == (outcome, True), found
    assert renderer.render("{{ name }}", {"name": "Bee"}) == ("text", "Bee")


def test_template_that_never_ends_is_ended_and_the_next_one_works() -> None:
    renderer = Renderer(longest=timedelta(seconds=1))
    assert renderer.render(LOOP, {}) == ("failed", "it takes longer than 1 s")
    renderer.close()


def test_text_without_end_is_cut(renderer: Renderer) -> None:
    outcome, text = renderer.render("{% for a in range(99999) %}0123456789{% endfor %}", {})
    assert (outcome, len(text) < 101_000, text.endswith("… (cut)")) == ("text", True, True)
