"""A headless Chromium that is there, or a clear word why a test is skipped."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator, Page

CHROMIUM_VARIABLE = "SMART_FACTORY_CHROMIUM"
_NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """Return the path of a Chromium on this machine, or None."""
    named = os.environ.get(CHROMIUM_VARIABLE)
    return named or next(filter(None, map(shutil.which, _NAMES)), None)


@contextmanager
def opened(
    address: str, *, width: int = 1280, height: int = 800, scheme: str = "light", zone: str = "UTC"
) -> Iterator[Page]:
    """Open a page; what it logs as an error, or asks of another machine, fails the test at the end."""
    from playwright.sync_api import sync_playwright

    path = chromium()
    if path is None:
        pytest.skip(f"no Chromium on this machine: apt-get install chromium, or name one in {CHROMIUM_VARIABLE}")
    with sync_playwright() as playwright:
        # As root, which containers and CI often are, Chromium starts without its sandbox only.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
            timezone_id=zone,
        )
        page = context.new_page()
        origin = address.split("/#", 1)[0]
        troubles: list[str] = []
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda line: troubles.append(line.text) if line.type == "error" else None)
        page.on("request", lambda request: troubles.append(request.url) if not request.url.startswith(origin) else None)
        page.goto(address)
        yield page
        browser.close()
    assert troubles == []


def expect(found: Locator) -> Any:
    """Return what asserts about an element and waits until it holds."""
    from playwright.sync_api import expect as expecting

    return expecting(found)
