"""The page's own updates when files land."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipeline.page.app import create_app
from pipeline.page.guard import Access
from pipeline.settings import load_settings
from tests.conftest import TestLakehouse, reading
from tests.page.conftest import TOKEN, served, wait_until

if TYPE_CHECKING:
    from fastapi import FastAPI

    from tests.page.conftest import Client

pytestmark = [pytest.mark.spark, pytest.mark.slow]


def page_that_updates(lakehouse: TestLakehouse, said: list[str]) -> FastAPI:
    settings = load_settings().model_copy(update={"table_expectations": "on_request"})
    return create_app(
        lakehouse.home, settings, lakehouse.clock, lambda: lakehouse.spark, Access(token=TOKEN),
        announce=said.append,
    )  # fmt: skip


def completed(page: Client, *, rows_in: int) -> Any:
    """Return an update that has ended well and took in so many records, or None."""
    updates = page.get("/api/updates")
    return next((one for one in updates if (one["state"], one["rows_in"]) == ("COMPLETED", rows_in)), None)


def test_landed_file_starts_an_update_that_the_page_shows(lakehouse: TestLakehouse) -> None:
    said: list[str] = []
    with served(page_that_updates(lakehouse, said)) as page:
        wait_until(lambda: said)
        wait_until(lambda: page.get("/api/graph")["runner"]["state"] == "idle")
        lakehouse.land("a.json", [reading(), reading(None)])
        shown = wait_until(lambda: completed(page, rows_in=2))
    assert shown["cause"] == "JOB_TASK"
    assert said == ["Starting an update because of the start.", "Starting an update because of files that have come."]
    lakehouse.assert_invariants()


def test_failed_update_is_reported_and_the_next_file_starts_another(lakehouse: TestLakehouse) -> None:
    said: list[str] = []
    lakehouse.path("silver_cleaned_sensors").parent.mkdir(parents=True)
    lakehouse.path("silver_cleaned_sensors").write_text("a file where a table belongs")
    lakehouse.land("a.json", [reading()])
    with served(page_that_updates(lakehouse, said)) as page:
        wait_until(lambda: any("silver_cleaned_sensors" in line for line in said))
        lakehouse.path("silver_cleaned_sensors").unlink()
        lakehouse.land("b.json", [reading()])
        wait_until(lambda: completed(page, rows_in=1))
    assert len(lakehouse.rows("silver_cleaned_sensors")) == 2
    lakehouse.assert_invariants()
