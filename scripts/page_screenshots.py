"""Takes pictures of the pipeline page for the docs while the acts run: `make screenshots`."""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from alerts.catalogue import SHIPPED, load_alerts
from alerts.evaluate import evaluate
from alerts.settings import read_settings
from demo.acts import act1, act3
from demo.stage import QUARANTINE, SILVER, Stage
from pipeline.home.places import CHECKOUT, Home
from pipeline.page.app import create_app
from pipeline.page.server import served
from pipeline.update.update import Update
from pipeline.warehouse.embedded import EmbeddedWarehouse

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_PATIENCE_MILLISECONDS = 180_000
_DESK = (1440, 860)
_STRIP = (1440, 480)
_PHONE = (360, 760)


class Camera:
    """Takes pictures of the page at one address."""

    def __init__(self, browser: Browser, address: str, folder: Path) -> None:
        self._browser = browser
        self._address = address
        self._folder = folder

    def open(self, view: str, size: tuple[int, int] = _DESK, *, dark: bool = False) -> Page:
        """Return a window with one view."""
        page = self._browser.new_page(
            viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if dark else "light"
        )
        page.set_default_timeout(_PATIENCE_MILLISECONDS)
        page.goto(f"{self._address}/#/{view}")
        page.locator("main > *").first.wait_for()
        return page

    def take(self, page: Page, name: str) -> None:
        """Save a picture of a window."""
        # Wait until animations have ended.
        page.wait_for_timeout(700)
        page.screenshot(path=self._folder / f"page-{name}.png")
        print(f"docs/images/page-{name}.png")

    def shoot(self, name: str, view: str, size: tuple[int, int] = _DESK, *, dark: bool = False, tab: str = "") -> None:
        """Open a view and a tab of its panel, and save a picture."""
        page = self.open(view, size, dark=dark)
        if tab:
            page.get_by_role("tab", name=tab).click()
        self.take(page, name)
        page.close()


def play(stage: Stage, camera: Camera) -> None:
    """Play the acts and take a picture of what each shows."""
    camera.shoot("empty", "graph")
    act1(stage)
    page = camera.open("graph")
    page.get_by_role("button", name="Start").click()
    page.locator('.card[data-status="RUNNING"]').first.wait_for()
    camera.take(page, "running")
    page.locator(f'.card[data-name="{QUARANTINE}"][data-status="COMPLETED"]').wait_for()
    page.locator("#start:not([disabled])").wait_for()
    camera.take(page, "graph")
    page.close()
    act3(stage)
    camera.shoot("expectations", f"graph?table={SILVER}", tab="Expectations")
    camera.shoot("schema", "graph?table=bronze_sensor_readings", tab="Schema")
    camera.shoot("quarantine", f"graph?table={QUARANTINE}", tab="Rejected")
    camera.shoot("history", "history", _STRIP)
    camera.shoot("dark", "graph", dark=True)
    camera.shoot("phone", "graph", _PHONE)
    overheat(stage)
    camera.shoot("alert", "alerts", _STRIP)
    fail(stage)
    camera.shoot("failed", "graph")


def overheat(stage: Stage) -> None:
    """Evaluate the alert over a calm plant, then over a hot one."""
    (alert,) = load_alerts(SHIPPED, (), stage.clock.now())
    stage.plant.batch(anomaly_rate=0)
    stage.update()
    warehouse = EmbeddedWarehouse(stage.session, stage.home, stage.settings)
    evaluate(alert, warehouse, read_settings(stage.home.root), stage.clock)
    stage.plant.trigger_event()
    stage.update()
    evaluate(alert, warehouse, read_settings(stage.home.root), stage.clock)


def fail(stage: Stage) -> None:
    """Make silver fail by removing its checkpoint."""
    for folder in stage.home.table(stage.settings.target_schema, SILVER).checkpoints.iterdir():
        if folder.is_dir():
            shutil.rmtree(folder)
    stage.plant.batch()
    Update(stage.home, stage.settings, stage.clock, lambda: stage.session, cause="USER_ACTION").run()


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=CHECKOUT / "docs" / "images")
    parser.add_argument("--home", type=Path, help="Where to play; else a folder that is deleted at the end.")
    options = parser.parse_args()
    chromium = os.environ.get("SMART_FACTORY_CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        parser.exit(2, "There is no Chromium on this machine: apt-get install chromium.\n")
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="smart-factory-") as scratch, sync_playwright() as playwright:
        stage = Stage(Home(options.home or Path(scratch) / "lakehouse"))
        stage.home.make_writable()
        app = create_app(stage.home, stage.settings, stage.clock, lambda: stage.session)
        # As root, as in containers and CI, Chromium starts only without its sandbox.
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        with served(app) as address:
            play(stage, Camera(browser, address, options.out))
        browser.close()


if __name__ == "__main__":
    main()
