"""Another module and another YAML beside the first, through the same engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.flows.judged_write import ExpectationViolatedError
from tests.conftest import reading

if TYPE_CHECKING:
    from tests.conftest import TestLakehouse

pytestmark = [pytest.mark.spark, pytest.mark.slow]

TABLES = ("raw_orders", "orders", "spent_by_customer", "share_by_customer")
SETTINGS = Path(__file__).with_name("orders.yml")


def order(number: int, customer: str | None, amount: float, *, paid: bool = True) -> dict[str, Any]:
    return {"order_id": str(number), "customer": customer, "amount": amount, "paid": paid}


def test_second_pipeline_fills_its_own_tables_beside_the_first(lakehouse: TestLakehouse) -> None:
    shop = replace(lakehouse, settings_file=SETTINGS)
    lakehouse.land("a.json", [reading()])
    shop.land("a.json", [order(1, "Ada", 1.0), order(2, "Bo", 5.0, paid=False), order(3, None, 2.0)], folder="orders")
    assert shop.update().state == "COMPLETED"
    assert lakehouse.rows("bronze_sensor_readings") == []
    lakehouse.update()
    lakehouse.assert_invariants()

    shop.land("b.json", [order(4, "Ada", 3.0), order(5, "Bo", 4.0)], folder="orders")
    result = shop.update()
    assert result.statuses == dict.fromkeys(TABLES, "COMPLETED")
    assert shop.rows("orders", "order_id", "customer", "amount", "warnings") == [
        {"order_id": "1", "customer": "Ada", "amount": 1.0, "warnings": []},
        {"order_id": "4", "customer": "Ada", "amount": 3.0, "warnings": []},
        {"order_id": "5", "customer": "Bo", "amount": 4.0, "warnings": []},
    ]
    assert shop.rows("spent_by_customer") == [
        {"customer": "Ada", "spent": 4.0, "orders": 2},
        {"customer": "Bo", "spent": 4.0, "orders": 1},
    ]
    assert shop.rows("share_by_customer") == [{"customer": "Ada", "share": 0.5}, {"customer": "Bo", "share": 0.5}]
    counted = {"raw_orders": 5, "orders": 3, "spent_by_customer": 2, "share_by_customer": 2}
    assert shop.counted_by_events(*TABLES) == counted
    assert not shop.path("paid_orders").exists()

    shop.land("c.json", [order(6, "Ada", 1.0), order(7, "Ada", 300_000.0)], folder="orders")
    result = shop.update()
    assert result.state == "FAILED"
    assert result.statuses == {"raw_orders": "COMPLETED", "orders": "FAILED"} | dict.fromkeys(TABLES[2:], "SKIPPED")
    assert isinstance(result.errors["orders"], ExpectationViolatedError)
    assert "1 of 2 rows violate `plausible_amount`; nothing of their batch was written" in str(result.errors["orders"])
    assert len(shop.rows("raw_orders")) == 7
    assert len(shop.rows("orders")) == 3
    assert lakehouse.update().state == "COMPLETED"
