"""A headless Chromium, signed in to Superset, for screenshots and tests."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

WIDTH = 1280
# Superset draws charts only when they are in view, so the window is tall enough for all.
HEIGHT = 2600
_LONGEST_MILLISECONDS = 60_000
_IS_DRAWN = """() => {
    const charts = [...document.querySelectorAll('.dashboard-component-chart-holder')];
    const isText = part => !part.querySelector('[data-test=slice-header], .header-title');
    const isDrawn = part => isText(part) || part.querySelector('.slice_container, [role=alert], .ant-empty');
    return charts.length > 0 && charts.every(isDrawn) && !document.querySelector('.loading, .ant-spin-spinning');
}"""


def chromium() -> str | None:
    """Return the path of the machine's Chromium, if it has one."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextmanager
def signed_in(url: str, user: str, password: str, *, height: int = HEIGHT) -> Iterator[Page]:
    """Yield a page whose visitor has signed in.

    Raises:
        RuntimeError: There is no Chromium, or the sign-in is refused.
    """
    path = chromium()
    if path is None:
        raise RuntimeError("No Chromium is installed on this machine. On Debian: apt-get install chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        page = browser.new_page(viewport={"width": WIDTH, "height": height}, timezone_id="UTC", locale="en-GB")
        page.set_default_timeout(_LONGEST_MILLISECONDS)
        page.goto(f"{url}/login/")
        page.fill("input[name=username], #username", user)
        page.fill("input[name=password], #password", password)
        page.press("input[name=password], #password", "Enter")
        page.wait_for_url(lambda address: "/login" not in address)
        yield page
        browser.close()


def open_dashboard(page: Page, url: str, slug: str) -> None:
    """Open a dashboard and return once every chart is drawn."""
    page.goto(f"{url}/superset/dashboard/{slug}/")
    page.wait_for_function(_IS_DRAWN)


def settle(page: Page) -> None:
    """Wait until all charts are drawn and their animations have ended."""
    page.wait_for_timeout(1500)
    page.wait_for_function(_IS_DRAWN)
    page.wait_for_timeout(1500)
