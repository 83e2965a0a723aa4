"""A graph of 60 tables, told by a log alone, in a headless Chromium."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.clock import FixedClock
from pipeline.event_log import EventLog, Origin
from pipeline.home import Home
from tests.page.browser import opened
from tests.page.conftest import page_over, served

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.browser

CLOCK = FixedClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
LAYERS = (10, 20, 15, 15)


def tell_of_sixty_tables(home: Home) -> None:
    log = EventLog(home.schema("smart_factory") / "event_log", CLOCK)

    def tell(event_type: str, table: str | None = None, **details: Any) -> None:
        log.tell(Origin("p", "P", update_id="u1", dataset_name=table, flow_name=table), event_type, "", details)

    tell("create_update", cause="TEST", run_as="mira")
    for layer, count in enumerate(LAYERS):
        for at in range(count):
            name = f"layer_{layer}_table_{at:02}"
            reads = (
                [f"layer_{layer - 1}_table_{(at * step) % LAYERS[layer - 1]:02}" for step in (1, 7)] if layer else []
            )
            files = [] if layer else [f"landing/source_{at:02}"]
            tell("dataset_definition", name, dataset_type="STREAMING_TABLE", expectations=[])
            tell("flow_definition", name, input_files=files, input_datasets=list(dict.fromkeys(reads)))
            tell("flow_progress", name, status="COMPLETED", metrics={"num_input_rows": 3, "num_output_rows": 3})
    tell("update_progress", state="COMPLETED")
    log.flush()


def test_sixty_tables_are_drawn_within_a_second_of_the_first_paint_found_by_name_and_never_overlap(
    tmp_path: Path,
) -> None:
    home = Home(tmp_path / "a home")
    tell_of_sixty_tables(home)
    with served(page_over(home, CLOCK)) as client:
        client.get("/api/graph")
        with opened(client.base) as page:
            page.locator(".card").nth(69).wait_for()
            painted, drawn = page.evaluate(
                "[performance.getEntriesByName('first-contentful-paint')[0].startTime, performance.now()]"
            )
            assert painted < 1000
            assert drawn < painted + 2000
            boxes = [card.bounding_box() for card in page.locator(".card").all()]
            places = [(box["x"], box["y"], box["width"], box["height"]) for box in boxes if box]
            assert len(places) == 70
            assert [(a, b) for a in places for b in places if a < b and overlap(a, b)] == []
            page.keyboard.press("/")
            page.keyboard.type("layer_3_table_14")
            wanted = page.locator('.card[data-name="layer_3_table_14"]')
            page.wait_for_function(
                "card => card.getBoundingClientRect().bottom < innerHeight && !card.classList.contains('dimmed')",
                arg=wanted.element_handle(),
            )
            page.get_by_role("button", name="Fit into the window").click()
            assert page.locator(".card").first.is_visible()


def overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]
