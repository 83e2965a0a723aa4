"""Updates that the page starts, over a session that is warm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipeline.home.lock import exclusive
from tests.conftest import TABLES, reading
from tests.page.conftest import page_over, served, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import TestLakehouse
    from tests.page.conftest import Client

pytestmark = [pytest.mark.spark, pytest.mark.slow]


@pytest.fixture
def page(lakehouse: TestLakehouse) -> Iterator[Client]:
    with served(page_over(lakehouse.home, lakehouse.clock, lakehouse.spark)) as client:
        yield client


def ended(page: Client, update_id: str) -> Any:
    """Return an update once the page is idle after it."""
    wait_until(lambda: page.get("/api/graph")["runner"]["state"] == "idle")
    return page.get(f"/api/updates/{update_id}")


def test_started_update_refreshes_all_tables_and_a_full_refresh_empties_them_first(
    page: Client, lakehouse: TestLakehouse
) -> None:
    lakehouse.land("a.json", [reading(), reading(None)])
    started = page.post("/api/updates")
    assert started.status == 202
    update = ended(page, started.body["update_id"])
    assert (update["state"], update["cause"]) == ("COMPLETED", "USER_ACTION")
    lakehouse.assert_invariants()
    assert [len(lakehouse.rows(table)) for table in TABLES] == [2, 1, 1, 1, 1]
    assert page.get("/api/graph")["runner"]["warm"] is True

    again = page.post("/api/updates", {"full_refresh": ["silver_cleaned_sensors"]})
    nodes = {node["name"]: node for node in ended(page, again.body["update_id"])["nodes"]}
    lakehouse.assert_invariants()
    assert {name: nodes[name]["rows_deleted"] for name in TABLES} == dict(zip(TABLES, [0, 1, 1, 1, 1], strict=True))
    assert nodes["silver_cleaned_sensors"]["conservation"]["state"] == "holds"


def test_update_of_an_unknown_table_fails_with_problem_and_remedy(page: Client) -> None:
    update = ended(page, page.post("/api/updates", {"refresh": ["silver_cleaned_sensor"]}).body["update_id"])
    assert update["state"] == "FAILED"
    runner = page.get("/api/graph")["runner"]
    assert runner["problem"] == "The pipeline: there is no table `silver_cleaned_sensor`."
    assert runner["remedy"] == "Did you mean `silver_cleaned_sensors`?"


def test_malformed_request_for_an_update_is_refused(page: Client) -> None:
    bodies: list[Any] = [{"refres": ["silver_cleaned_sensors"]}, {"refresh": "silver_cleaned_sensors"}, []]
    for body in bodies:
        answer = page.post("/api/updates", body)
        assert (answer.status, answer.body["remedy"]) == (422, "See /docs for what the API takes.")
    assert page.get("/api/updates") == []


def test_update_of_another_process_is_named_and_blocks_new_ones(page: Client, lakehouse: TestLakehouse) -> None:
    with exclusive(lakehouse.home, lakehouse.clock, "update of somebody else"):
        held_by = page.get("/api/graph")["runner"]["held_by"]
        assert held_by.startswith("update of somebody else, process ")
        for path in ("/api/updates", "/api/dry-run"):
            answer = page.post(path)
            assert answer.status == 409
            assert held_by in answer.body["problem"]
    assert page.get("/api/graph")["runner"]["held_by"] is None
    assert page.get("/api/updates") == []


def test_dry_run_lists_the_tables_and_writes_nothing(page: Client, lakehouse: TestLakehouse) -> None:
    found = page.post("/api/dry-run").body
    assert found["ready"] is True
    assert [table["name"] for table in found["tables"]] == list(TABLES)
    assert found["tables"][1]["inputs"] == ["bronze_sensor_readings"]
    assert [table["kept"] for table in found["tables"]] == ["by batch"] * 3 + ["by touched keys", "by stored results"]
    assert not lakehouse.home.schema("smart_factory").data.exists()


def test_stopped_update_is_canceled_and_the_next_one_continues(page: Client, lakehouse: TestLakehouse) -> None:
    lakehouse.land("a.json", [reading() for _ in range(50)])
    update_id = page.post("/api/updates").body["update_id"]
    assert page.post("/api/updates").status == 409
    assert page.post(f"/api/updates/{update_id}/stop").status == 202
    assert ended(page, update_id)["state"] == "CANCELED"
    assert page.post(f"/api/updates/{update_id}/stop").status == 404
    assert ended(page, page.post("/api/updates").body["update_id"])["state"] == "COMPLETED"
    lakehouse.assert_invariants()
    assert len(lakehouse.rows("silver_cleaned_sensors")) == 50
