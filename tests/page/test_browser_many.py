"""A graph of a hundred tables in five schemas, from an event log without tables, in a headless Chromium."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.events.event import Origin
from pipeline.events.log import EventLog
from pipeline.foundation.clock import FixedClock
from pipeline.home.places import Home
from tests.page.browser import expect, opened
from tests.page.conftest import page_over, served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator, Page, Route

    from tests.page.conftest import Client

pytestmark = pytest.mark.browser

CLOCK = FixedClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
SCHEMAS = ("raw", "clean", "finance", "sales", "reports")
TABLES_OF_A_SCHEMA = 20
CARDS = len(SCHEMAS) * TABLES_OF_A_SCHEMA + TABLES_OF_A_SCHEMA
FAILED = "finance.table_03"
IS_IN_SIGHT = """name => {
  const card = document.querySelector(`.card[data-name="${name}"]`);
  return card && card.getBoundingClientRect().bottom < innerHeight && !card.classList.contains("dimmed");
}"""


def log_a_hundred_tables(home: Home) -> None:
    """Log two updates; in the second one a table has failed."""
    log = EventLog(home.schema("smart_factory").event_log, CLOCK)
    for update_id, state in (("u1", "COMPLETED"), ("u2", "FAILED")):

        def emit(event_type: str, table: str | None = None, update_id: str = update_id, **details: Any) -> None:
            log.emit(
                Origin("p", "P", update_id=update_id, dataset_name=table, flow_name=table), event_type, "", details
            )

        emit("create_update", cause="TEST", run_as="mira")
        for at, schema in enumerate(SCHEMAS):
            for number in range(TABLES_OF_A_SCHEMA):
                name = f"{schema}.table_{number:02}"
                readers = {f"{SCHEMAS[at - 1]}.table_{(number * step) % TABLES_OF_A_SCHEMA:02}" for step in (1, 7)}
                files = [] if at else [f"landing/source_{number:02}"]
                emit("dataset_definition", name, dataset_type="STREAMING_TABLE", expectations=[])
                emit("flow_definition", name, input_files=files, input_datasets=sorted(readers) if at else [])
                status = "FAILED" if (name, state) == (FAILED, "FAILED") else "COMPLETED"
                emit("flow_progress", name, status=status, metrics={"num_input_rows": 3, "num_output_rows": 3})
        emit("update_progress", state=state)
    log.flush()


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    home = Home(tmp_path_factory.mktemp("many") / "a home")
    log_a_hundred_tables(home)
    with served(page_over(home, CLOCK)) as client:
        client.get("/api/graph")
        yield client


def card(page: Page, name: str) -> Locator:
    return page.locator(f'.card[data-name="{name}"]')


def names_of(page: Page, selector: str) -> list[str]:
    return [str(one.get_attribute("data-name")) for one in page.locator(selector).all()]


def test_hundred_tables_are_first_shown_as_their_schemas_with_sums_and_states(many: Client) -> None:
    with opened(many.base, width=1440) as page:
        page.locator(".card").nth(5).wait_for()
        assert sorted(names_of(page, ".card")) == sorted(("files", *SCHEMAS))
        assert card(page, "raw").locator(".card-rows").inner_text() == "60 rows written"
        assert card(page, "raw").locator(".card-total").inner_text() == "20 tables"
        assert names_of(page, '.card[data-status="FAILED"]') == ["finance"]
        assert card(page, "finance").locator(".mark.fail").inner_text() == f"{FAILED} failed"
        # One when the page loads, and one after the stream's first event.
        requests = page.evaluate("performance.getEntriesByType('resource').map(one => new URL(one.name).pathname)")
        assert requests.count("/api/graph") <= 2
        right = [box["x"] + box["width"] for one in page.locator(".card").all() if (box := one.bounding_box())]
        assert max(right) <= 1440


def test_unfolded_schemas_show_every_table_and_cards_never_overlap(many: Client) -> None:
    with opened(many.base) as page:
        for name in ("files", *SCHEMAS):
            page.get_by_role("button", name=f"{name} {TABLES_OF_A_SCHEMA}").click()
            page.wait_for_function('name => !document.querySelector(`.card[data-name="${name}"]`)', arg=name)
        page.locator(".card").nth(CARDS - 1).wait_for()
        boxes = [one.bounding_box() for one in page.locator(".card").all()]
        places = [(box["x"], box["y"], box["width"], box["height"]) for box in boxes if box]
        assert len(places) == CARDS
        assert [(a, b) for a in places for b in places if a < b and overlap(a, b)] == []
        page.get_by_role("button", name=f"sales {TABLES_OF_A_SCHEMA}").click()
        card(page, "sales").wait_for()
        page.get_by_role("button", name="Fit to window").click()
        assert page.locator(".card").first.is_visible()


def test_search_unfolds_the_schema_of_a_table_and_jumps_to_it(many: Client) -> None:
    with opened(many.base) as page:
        card(page, "reports").wait_for()
        page.keyboard.press("/")
        page.keyboard.type("reports.table_14")
        page.wait_for_function(IS_IN_SIGHT, arg="reports.table_14")
        assert page.locator(".find").input_value() == "reports.table_14"


def test_search_jumps_to_its_table_when_an_older_graph_arrives_after_the_text(many: Client) -> None:
    with opened(many.base) as page:
        card(page, "reports").wait_for()
        held: list[Route] = []
        page.route("**/api/graph", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks its handlers
        with page.expect_request("**/api/graph"):
            page.get_by_role("button", name="UTC", exact=True).click()
        page.keyboard.press("/")
        page.keyboard.type("reports.table_14")
        held[0].continue_()
        page.wait_for_function(IS_IN_SIGHT, arg="reports.table_14")


def test_path_of_a_table_s_rows_is_emphasized_up_and_downstream(many: Client) -> None:
    with opened(many.base) as page:
        card(page, "finance").click()
        card(page, "finance.table_03").focus()
        page.locator(".board.following").wait_for()
        assert sorted(names_of(page, ".card.on-path")) == [
            "clean",
            "files",
            "finance.table_03",
            "raw",
            "reports",
            "sales",
        ]
        page.keyboard.press("ArrowDown")
        assert "finance.table_03" not in names_of(page, ".card.on-path")


def test_times_are_shown_in_the_reader_s_zone_on_request_and_still_so_after_a_reload(many: Client) -> None:
    with opened(many.base, zone="Europe/Berlin") as page:
        page.get_by_text("2026-03-01 12:00:00 UTC").first.wait_for()
        page.get_by_role("button", name="UTC", exact=True).click()
        page.get_by_text("2026-03-01 13:00:00 Europe/Berlin").first.wait_for()
        page.reload()
        page.get_by_text("2026-03-01 13:00:00 Europe/Berlin").first.wait_for()


def test_history_names_each_bar_and_shows_axis_and_legend(many: Client) -> None:
    with opened(f"{many.base}/#/history") as page:
        page.locator(".update-bar").nth(1).wait_for()
        assert page.locator(".legend").inner_text().split() == ["completed", "failed"]
        assert page.locator(".axis-y span").count() == 3
        page.locator(".update-bar").nth(1).focus()
        caption = page.locator(".update-chart figcaption")
        expect(caption).to_have_text("2026-03-01 12:00:00 UTC: failed after 0.0 s, 300 rows written")
        page.locator(".update-bar").nth(0).focus()
        held: list[Route] = []
        page.route("**/api/updates", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks its handlers
        with page.expect_request("**/api/updates"):
            page.evaluate("window.dispatchEvent(new Event('hashchange'))")
        # A redraw keeps the focus, also where it moves while the server is asked.
        page.locator(".update-bar").nth(1).evaluate("bar => { bar.dataset.before = 'redraw'; bar.focus(); }")
        held.pop().continue_()
        expect(page.locator(".update-bar[data-before]")).to_have_count(0)
        expect(page.locator(".update-bar").nth(1)).to_be_focused()
        expect(caption).to_have_text("2026-03-01 12:00:00 UTC: failed after 0.0 s, 300 rows written")
        page.keyboard.press("Enter")
        card(page, "finance").wait_for()


def overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]
