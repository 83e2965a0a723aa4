"""Both dashboards in a headless Chromium, as people see them."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
from browser import chromium, open_dashboard, settle, signed_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator, Page

    from tests.superset.conftest import Plant

pytestmark = [
    pytest.mark.browser,
    pytest.mark.spark,
    pytest.mark.skipif(chromium() is None, reason="There is no Chromium; on Debian: apt-get install chromium."),
]
SLUGS = ("smart-factory-operations", "pipeline-health")
# Two cores that have nothing else to do; a machine that is slow or shared is given more.
LONGEST_LOAD_SECONDS = float(os.environ.get("LOAD_SECONDS") or 8)
TRIES = 5
RED = "rgb(193, 39, 45)"


@pytest.fixture(scope="module")
def filled(plant: Plant) -> Plant:
    # The last act ends hot; here it begins calm.
    plant.generate("batch", "--anomaly-rate", "0")
    plant.update()
    plant.see_tables()
    plant.check_alerts()
    plant.see_tables()
    return plant


@pytest.fixture(params=["admin", "viewer"])
def page(request: pytest.FixtureRequest, filled: Plant) -> Iterator[Page]:
    server = filled.server
    with signed_in(server.url, request.param, server.password(request.param)) as opened:
        yield opened


def chart(page: Page, title: str) -> Locator:
    return page.locator(".dashboard-component-chart-holder", has_text=title).first


def errors_on(page: Page) -> list[str]:
    return [alert.inner_text() for alert in page.locator(".dashboard [role=alert]").all()]


@pytest.mark.parametrize("slug", SLUGS)
def test_dashboard_draws_every_chart_without_an_error_and_loads_within_seconds_warm(
    page: Page, filled: Plant, slug: str
) -> None:
    asked: list[str] = []
    open_dashboard(page, filled.server.url, slug)
    settle(page)
    assert errors_on(page) == []
    assert page.locator(".dashboard-component-chart-holder").count() >= 12
    page.on("requestfinished", lambda request: asked.append(request.url))
    seconds: list[float] = []
    # A machine that is busy with other work as well may need more than one try.
    while len(seconds) < TRIES and min(seconds, default=LONGEST_LOAD_SECONDS) >= LONGEST_LOAD_SECONDS:
        began = time.monotonic()
        open_dashboard(page, filled.server.url, slug)
        seconds.append(time.monotonic() - began)
    assert min(seconds) < LONGEST_LOAD_SECONDS
    assert {url for url in asked if not url.startswith((filled.server.url, "data:", "blob:"))} == set()


def test_floor_filter_changes_the_charts(filled: Plant) -> None:
    server = filled.server
    with signed_in(server.url, "viewer", server.password("viewer")) as page:
        open_dashboard(page, server.url, SLUGS[0])
        before = chart(page, "Last reading of each device").inner_text()
        assert "MFG-A-1000" in before
        assert "MFG-B-2000" in before
        page.locator("[data-test=form-item-value] .ant-select, .filter-item-wrapper .ant-select").first.click()
        page.locator(".ant-select-item-option", has_text="Factory Floor B").first.click()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Apply").click()
        settle(page)
        after = chart(page, "Last reading of each device").inner_text()
        assert "MFG-A-1000" not in after
        assert "MFG-B-2000" in after
        assert errors_on(page) == []


def test_device_that_is_clicked_filters_the_other_charts(filled: Plant) -> None:
    server = filled.server
    with signed_in(server.url, "viewer", server.password("viewer")) as page:
        open_dashboard(page, server.url, SLUGS[0])
        reporting = chart(page, "Reporting").locator(".header-line")
        assert int(reporting.inner_text()) > 1
        chart(page, "Last reading of each device").locator("td", has_text="MFG-B-2000").first.click()
        settle(page)
        assert reporting.inner_text() == "1"


def test_overheating_tile_is_calm_before_the_trigger_event_and_red_after_it(filled: Plant) -> None:
    server = filled.server
    with signed_in(server.url, "viewer", server.password("viewer")) as page:
        open_dashboard(page, server.url, SLUGS[0])
        number = chart(page, "Overheating").locator(".header-line")
        assert number.inner_text() == "0"
        assert RED not in number.evaluate("node => getComputedStyle(node).color")
        filled.generate("trigger-event")
        filled.update()
        page.wait_for_timeout(51_000)  # what the data cache keeps
        open_dashboard(page, server.url, SLUGS[0])
        assert int(number.inner_text()) > 0
        assert number.evaluate("node => getComputedStyle(node).color") == RED
