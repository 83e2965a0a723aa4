from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.home.places import Home

if TYPE_CHECKING:
    from pathlib import Path


def test_places_of_a_table_are_those_that_the_contract_names(tmp_path: Path) -> None:
    table = Home(tmp_path).table("shop", "orders")
    found = {name: str(getattr(table, name).relative_to(tmp_path)) for name in dir(table) if name in PLACES}
    assert found == PLACES


PLACES = {
    "data": "shop/orders",
    "checkpoints": "state/checkpoints/shop/orders",
    "schema_log": "state/schema_log/shop/orders",
    "file_state": "state/files/shop/orders",
    "reprocess_intent": "state/reprocess/shop/orders/intent.json",
    "replay_intent": "state/replay/shop/orders/intent.json",
    "corrections": "state/corrections/shop/orders",
    "last_validation": "state/validations/shop/orders/last.json",
    "damaged": "state/damaged/shop/orders",
}


def test_tables_of_a_schema_are_its_own_and_its_file_states(tmp_path: Path) -> None:
    home = Home(tmp_path)
    for folder in ("shop/orders", "other/orders", "state/files/shop/orders", "state/files/other/orders"):
        (tmp_path / folder / "_delta_log").mkdir(parents=True)
    (tmp_path / "shop" / "no table").mkdir()
    assert home.schema("shop").delta_tables() == [tmp_path / "shop/orders", tmp_path / "state/files/shop/orders"]
    assert home.delta_tables() == [tmp_path / "other/orders", tmp_path / "shop/orders"]


def test_intents_of_every_schema_are_found(tmp_path: Path) -> None:
    home = Home(tmp_path)
    orders = home.table("shop", "orders")
    written = [orders.replay_intent, orders.reprocess_intent, home.schema("other").full_refresh_intent]
    for file in written:
        file.parent.mkdir(parents=True)
        file.write_text("{}")
    assert home.intents() == sorted(written)
