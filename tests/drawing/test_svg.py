from __future__ import annotations

import xml.etree.ElementTree as ET  # the picture was made by this project

import pytest

from pipeline.drawing.svg import svg
from pipeline.summary import Summary
from tests.conftest import NOON
from tests.drawing.updates import Story

SPACE = "{http://www.w3.org/2000/svg}"


def texts(picture: str) -> list[str]:
    return [node.text or "" for node in ET.fromstring(picture).iter(f"{SPACE}text")]  # noqa: S314


def test_picture_names_every_table_with_state_in_words_counts_and_expectations() -> None:
    story = Story()
    story.begin("paid_orders")
    story.batch("paid_orders", 1200, dropped=30, warned=4)
    story.end("paid_orders")
    story.end("revenue", "SKIPPED")
    story.end("orders", "FAILED", ValueError("The disk is full."))
    said = texts(svg(story.summary, NOON))
    card = said[said.index("paid_orders") - 1 :]
    assert card[:11] == [
        "✔", "paid_orders", "COMPLETED", "streaming table · 0.0 s",
        "1,200", "in", "1,170", "written", "30", "dropped", "4",
    ]  # fmt: skip
    assert card[12:25] == [
        "expectation", "passed", "failed",
        "✘", "known_customer", "drop", "1,170", "30",
        "✘", "small", "warn", "1,196", "4",
    ]  # fmt: skip
    assert {"FAILED", "SKIPPED", "QUEUED", "✘", "⊘", "·", "The disk is full.", "0 rejected"} <= set(said)


@pytest.mark.parametrize(
    ("status", "frame"),
    [
        pytest.param("FAILED", ("4", None), id="thick"),
        pytest.param("SKIPPED", ("2", "9 5"), id="dashed"),
        pytest.param("QUEUED", ("2", "2 4"), id="dotted"),
        pytest.param("COMPLETED", ("2", None), id="plain"),
    ],
)
def test_state_is_told_by_the_frame_too(status: str, frame: tuple[str, str | None]) -> None:
    story = Story()
    story.end("orders", status)
    group = next(
        node
        for node in ET.fromstring(svg(story.summary, NOON)).iter(f"{SPACE}g")  # noqa: S314
        if (node.findtext(f"{SPACE}title") or "").startswith("orders")
    )
    outline = group.findall(f"{SPACE}rect")[-1]
    assert (outline.get("stroke-width"), outline.get("stroke-dasharray")) == frame


def test_text_of_anybody_is_text() -> None:
    story = Story()
    hostile = '</text><script>alert("1")</script>\x00'
    story.end("orders", "FAILED", ValueError(hostile))
    picture = svg(story.summary, NOON)
    assert "<script" not in picture
    assert any("<script>" in text for text in texts(picture))


def test_update_without_tables_is_a_picture_with_what_stopped_it() -> None:
    story = Story()
    summary = Summary("u1", "Shop", state="FAILED", created_at=story.now, ended_at=story.now, errors=["No such suite."])
    said = texts(svg(summary, NOON))
    assert said[:2] == ["Shop", "✘ FAILED"]
    assert said[-1] == "No such suite."


def test_picture_needs_nothing_from_elsewhere() -> None:
    picture = svg(Story().summary, NOON)
    assert picture.count("http") == picture.count("http://www.w3.org/2000/svg")
    assert "@import" not in picture
