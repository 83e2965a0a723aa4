"""Names of one, two and three parts, which mean the same dataset however they are written."""

from __future__ import annotations

import pytest

from pipeline.databricks.names import Names, parts_of
from pipeline.foundation.errors import AuthorError


@pytest.mark.parametrize(
    "written", ["orders", "Orders", "shop.orders", "main.shop.orders", "LIVE.orders", "`main`.`Shop`.orders"]
)
def test_name_written_in_any_way_finds_its_dataset(written: str) -> None:
    names = Names("Main", "shop")
    assert names.declare("orders") == "orders"
    assert names.find(written) == "orders"


@pytest.mark.parametrize("written", ["other.orders", "dev.shop.orders", "orders_2"])
def test_name_of_something_else_finds_nothing(written: str) -> None:
    names = Names("main", "shop")
    names.declare("orders")
    assert names.find(written) is None


def test_name_of_another_schema_keeps_it() -> None:
    names = Names("main", "shop")
    assert names.declare("silver.Orders") == "silver.orders"
    assert names.find("main.silver.orders") == "silver.orders"
    assert names.declared() == ["main.silver.orders"]


def test_names_that_differ_by_catalog_alone_are_refused() -> None:
    names = Names("main", "shop")
    names.declare("orders")
    with pytest.raises(AuthorError, match="differ by their catalog alone"):
        names.declare("dev.shop.orders")


@pytest.mark.parametrize("written", ["", "a.b.c.d", "a..b", "a/b", ".", "`a"])
def test_text_that_cannot_be_a_name_is_refused(written: str) -> None:
    with pytest.raises(AuthorError, match="is not the name of a table"):
        parts_of(written)
