"""The real page in a headless Chromium: what a person does, and what that person sees."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from alerts.catalogue import SHIPPED, load_alerts
from alerts.evaluate import evaluate
from alerts.settings import Settings
from pipeline.home.lock import exclusive
from pipeline.notification.destination import OutboxDestination
from pipeline.settings import load_settings
from pipeline.warehouse.embedded import EmbeddedWarehouse
from tests.conftest import reading
from tests.page.browser import expect, opened
from tests.page.conftest import SCRIPT, page_over, served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator, Page, Route

    from tests.conftest import TestLakehouse
    from tests.page.conftest import Client

pytestmark = [pytest.mark.browser, pytest.mark.spark]

SILVER = "silver_cleaned_sensors"
SECONDS = 90_000


def card(page: Page, name: str) -> Locator:
    return page.locator(f'.card[data-name="{name}"]')


def open_tab(page: Page, name: str) -> Locator:
    page.get_by_role("tab", name=re.compile(f"^{name}")).click()
    return page.get_by_role("tabpanel")


@pytest.fixture
def fresh(lakehouse: TestLakehouse) -> Iterator[Client]:
    with served(page_over(lakehouse.home, lakehouse.clock, lakehouse.spark)) as client:
        yield client


def test_start_on_an_empty_lakehouse_fills_the_graph_and_a_second_start_changes_its_counts(
    fresh: Client, lakehouse: TestLakehouse
) -> None:
    with opened(fresh.base) as page:
        expect(page.get_by_text("No update has run yet")).to_be_visible()
        expect(page.get_by_text("python -m generators batch")).to_be_visible()
        lakehouse.land("a.json", [reading(), reading(None), reading(temperature_celsius=41.0)])
        page.get_by_role("button", name="Start").click()
        silver = card(page, SILVER)
        expect(silver.locator(".state")).to_have_text("Completed", timeout=SECONDS)
        expect(silver.locator(".card-rows")).to_have_text("2 rows written")
        expect(silver.locator(".mark.drop")).to_have_text("1 dropped")
        expect(silver.locator(".mark.warn")).to_have_text("1 warned")
        expect(silver.locator(".balance.holds")).to_have_text("3 in = 2 out + 1 quarantined")
        expect(page.locator(".edge-rows", has_text="3").first).to_be_visible()
        expect(page.get_by_role("button", name="Start")).to_be_enabled(timeout=SECONDS)
        lakehouse.clock.advance(timedelta(minutes=1))
        lakehouse.land("b.json", [reading() for _ in range(7)])
        page.get_by_role("button", name="Start").click()
        expect(silver.locator(".card-rows")).to_have_text("7 rows written", timeout=SECONDS)
        expect(silver.locator(".card-total")).to_contain_text("9 total")
        expect(page.get_by_role("button", name="Start")).to_be_enabled(timeout=SECONDS)
    lakehouse.assert_invariants()


def test_clicked_table_shows_its_expectations_and_escape_closes_it(client: Client) -> None:
    with opened(client.base) as page:
        card(page, SILVER).click()
        drawer = page.get_by_role("complementary")
        expect(drawer.get_by_role("heading", name=SILVER)).to_be_focused()
        rule = open_tab(page, "Expectations").locator(".rule", has_text="valid_device_id")
        expect(rule.locator(".action")).to_have_text("drop")
        expect(rule.locator(".rule-counts .passed")).to_have_text("1 passed")
        expect(rule.locator("figcaption")).to_have_text("0 % failed in the latest update, at most 25 % in 2 updates")
        assert rule.locator(".line-chart .spot").count() == 2
        expect(open_tab(page, "Schema")).to_contain_text("humidity_percent double from b.json")
        expect(open_tab(page, "Source")).to_contain_text("def silver_cleaned_sensors() -> DataFrame:")
        page.keyboard.press("Escape")
        expect(drawer).to_be_hidden()
        expect(card(page, SILVER)).to_be_focused()


def test_device_named_script_is_shown_as_text_everywhere(client: Client) -> None:
    with opened(client.base) as page:
        title = page.title()
        card(page, SILVER).click()
        expect(open_tab(page, "Rows").get_by_text(SCRIPT)).to_be_visible()
        page.keyboard.press("Escape")
        card(page, "silver_quarantined_sensors").click()
        shown = open_tab(page, "Rejected").locator("pre").inner_text()
        assert json.loads(shown)["note"] == SCRIPT
        assert page.locator("script").count() == 1
        assert page.title() == title


def test_failed_update_is_followed_and_recognizable_without_color(fresh: Client, lakehouse: TestLakehouse) -> None:
    lakehouse.land("a.json", [reading()])
    assert lakehouse.update().state == "COMPLETED"
    lakehouse.clock.advance(timedelta(minutes=1))
    with opened(fresh.base) as page:
        expect(card(page, SILVER).locator(".state")).to_have_text("Completed")
        checkpoint = next((lakehouse.home.state / "checkpoints" / "smart_factory" / SILVER).glob("*/offsets"))
        for file in checkpoint.parent.rglob("*"):
            if file.is_file():
                file.unlink()
        lakehouse.land("b.json", [reading()])
        assert lakehouse.update().state == "FAILED"
        expect(card(page, SILVER).locator(".state")).to_have_text("FAILED", timeout=SECONDS)
        expect(card(page, "gold_hourly_device_summary").locator(".state")).to_have_text("SKIPPED")
        expect(card(page, "bronze_sensor_readings").locator(".state")).to_have_text("Completed")
        expect(page.get_by_role("alert").first).to_contain_text(
            f"{SILVER}, silver_quarantined_sensors failed: The checkpoint of"
        )
        card(page, SILVER).click()
        expect(page.get_by_role("complementary").get_by_role("alert")).to_contain_text("full-refresh")


def test_triggered_alert_turns_red_in_an_open_view_and_is_counted_in_the_navigation(
    fresh: Client, lakehouse: TestLakehouse
) -> None:
    (alert,) = load_alerts(SHIPPED, (), lakehouse.clock.now())
    warehouse = EmbeddedWarehouse(lakehouse.spark, lakehouse.home, load_settings())
    outbox = OutboxDestination(lakehouse.home.state / "outbox.jsonl", lambda _: None)
    with opened(f"{fresh.base}/#/alerts") as page:
        expect(page.get_by_text("No alert has been evaluated yet.")).to_contain_text("python -m alerts watch")
    lakehouse.land("calm.json", [reading(at="2026-03-01T11:59:00")])
    lakehouse.update()
    evaluate(alert, warehouse, Settings(lakehouse.home), lakehouse.clock, destinations=[outbox])
    with opened(f"{fresh.base}/#/alerts") as page:
        state = page.locator(".alert .alert-state")
        expect(state).to_have_text("OK")
        expect(page.locator("#alert-badge")).to_be_hidden()
        lakehouse.clock.advance(timedelta(minutes=2))
        lakehouse.land("hot.json", [reading(at="2026-03-01T12:01:00", temperature_celsius=44.0)])
        lakehouse.update()
        evaluate(alert, warehouse, Settings(lakehouse.home), lakehouse.clock, destinations=[outbox])
        expect(state).to_have_text("TRIGGERED", timeout=SECONDS)
        red, green, blue = map(
            int, re.findall(r"\d+", state.evaluate("node => getComputedStyle(node).backgroundColor"))
        )
        assert red > 2 * max(green, blue)
        expect(page.locator(".alert")).to_contain_text("Triggered by MFG-A-1000")
        expect(page.locator(".alert")).to_contain_text("condition: number of rows > 0 · every 2 min")
        expect(page.locator(".alert")).to_contain_text("What to do: docs/alerts.md#overheating-equipment")
        expect(page.locator("#alert-badge")).to_have_text("1")
        newest = page.locator(".alert tbody tr").first
        expect(newest).to_contain_text("delivered")
        expect(newest.locator('.state[data-status="TRIGGERED"]')).to_be_visible()


def test_update_of_another_process_is_followed_and_its_holder_named(fresh: Client, lakehouse: TestLakehouse) -> None:
    with opened(fresh.base) as page:
        expect(page.get_by_role("button", name="Start")).to_be_enabled()
        with exclusive(lakehouse.home, lakehouse.clock, "update abc"):
            expect(page.get_by_text("Locked by update abc, process")).to_be_visible()
            expect(page.get_by_role("button", name="Start")).to_be_disabled()
        expect(page.get_by_role("button", name="Start")).to_be_enabled()


def test_late_graph_does_not_disable_the_actions_again(fresh: Client, lakehouse: TestLakehouse) -> None:
    with opened(fresh.base) as page:
        start = page.get_by_role("button", name="Start")
        expect(page.get_by_text("No update has run yet")).to_be_visible()
        expect(start).to_be_enabled()
        answers: list[tuple[Route, Any]] = []
        page.route("**/api/graph", lambda route: answers.append((route, route.fetch())))
        with exclusive(lakehouse.home, lakehouse.clock, "update abc"):
            expect(page.get_by_text("Locked by update abc, process")).to_be_visible()
            expect(start).to_be_disabled()
            while not answers:
                page.wait_for_timeout(20)
        expect(start).to_be_enabled()
        with page.expect_request("**/api/graph"):  # the page asks again once it has taken the late answer
            for route, answer in answers:
                route.fulfill(response=answer)
        expect(start).to_be_enabled()


def test_full_refresh_asks_first_and_lists_what_is_emptied(client: Client) -> None:
    with opened(client.base) as page:
        page.get_by_role("button", name="Full refresh").click()
        go = page.get_by_role("button", name="Empty and refresh")
        expect(go).to_be_disabled()
        page.get_by_role("checkbox", name=SILVER).check()
        expect(page.locator(".effect")).to_have_text(
            f"Will be emptied and refilled: {SILVER}, silver_quarantined_sensors, gold_hourly_device_summary, gold_device_status."
        )
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("dialog")).to_be_hidden()
        assert len(client.get("/api/updates")) == 2


def test_update_chosen_from_history_shows_its_graph(client: Client) -> None:
    with opened(client.base) as page:
        page.get_by_role("link", name="History").click()
        rows = page.locator("tbody tr")
        expect(rows).to_have_count(2)
        rows.nth(1).get_by_role("button").click()
        expect(card(page, SILVER).locator(".card-rows")).to_have_text("3 rows written")
        page.get_by_role("button", name="Show the newest update").click()
        expect(card(page, SILVER).locator(".card-rows")).to_have_text("1 row written")


def test_events_are_filtered_by_level_and_type_and_show_their_details(client: Client) -> None:
    with opened(f"{client.base}/#/events") as page:
        page.get_by_label("Type").select_option("update_progress")
        page.get_by_label("Level").select_option("INFO")
        expect(page.locator(".event-type").filter(has_not_text="update_progress")).to_have_count(0)
        expect(page.locator(".event-type").first).to_have_text("update_progress")
        page.locator("summary").first.click()
        expect(page.locator("details pre").first).to_contain_text('"state": "COMPLETED"')


def test_late_answer_to_a_former_filter_does_not_replace_the_list(client: Client) -> None:
    held: list[Route] = []
    with opened(f"{client.base}/#/events") as page:
        expect(page.locator(".event-type").first).to_be_visible()
        page.route(
            "**/api/events?*",
            lambda route: route.continue_() if "event_type" in route.request.url else held.append(route),
        )
        page.get_by_label("Level").select_option("INFO")
        page.get_by_label("Type").select_option("update_progress")
        others = page.locator(".event-type").filter(has_not_text="update_progress")
        expect(others).to_have_count(0)
        with page.expect_response(lambda response: "event_type" not in response.url):
            held[0].continue_()
        page.wait_for_load_state("networkidle")
        expect(others).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_start_keeps_its_colors_under_the_pointer(client: Client, scheme: str) -> None:
    with opened(client.base, scheme=scheme) as page:
        start = page.get_by_role("button", name="Start")
        expect(start).to_be_enabled()
        colors = "node => [getComputedStyle(node).backgroundColor, getComputedStyle(node).color]"
        before = start.evaluate(colors)
        start.hover()
        assert start.evaluate(colors) == before


def test_graph_is_navigated_by_keyboard(client: Client) -> None:
    with opened(client.base) as page:
        card(page, "bronze_sensor_readings").focus()
        page.keyboard.press("ArrowRight")
        expect(card(page, SILVER)).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_role("complementary").get_by_role("heading", name=SILVER)).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1920])
def test_no_view_is_wider_than_its_screen(client: Client, width: int, scheme: str) -> None:
    with opened(client.base, width=width, scheme=scheme) as page:
        for view in ("graph", f"graph?table={SILVER}", "graph?list=1", "history", "events", "alerts"):
            page.goto(f"{client.base}/#/{view}")
            page.locator("main > *").first.wait_for()
            assert page.evaluate("document.documentElement.scrollWidth") <= width, view
