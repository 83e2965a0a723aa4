"""Which tables an update refreshes, empties and leaves alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.foundation.errors import AuthorError
from tests.flows.checkout import TABLES, checkout, land

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import TestLakehouse

pytestmark = [pytest.mark.spark, pytest.mark.slow]


def test_refresh_takes_along_what_the_table_needs_and_nothing_else(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    shop = checkout(lakehouse, tmp_path)
    land(shop, "a.json", 1.0)
    result = shop.update(refresh=("total",))
    assert result.statuses == dict.fromkeys(TABLES[:4], "COMPLETED") | {"raw_count": "EXCLUDED"}
    assert shop.rows("total") == [{"amount": 1.0, "orders": 1}]
    assert not shop.path("raw_count").exists()


def test_full_refresh_empties_the_table_and_what_is_downstream_and_gives_the_rows_again(
    lakehouse: TestLakehouse, tmp_path: Path
) -> None:
    shop = checkout(lakehouse, tmp_path)
    land(shop, "a.json", 1.0, 2.0)
    shop.update()
    raw, count = shop.version("raw"), shop.version("raw_count")
    result = shop.update(full_refresh=("checked",))
    assert result.statuses == {
        "raw": "EXCLUDED",
        "checked": "COMPLETED",
        "rejected": "COMPLETED",
        "total": "COMPLETED",
        "raw_count": "EXCLUDED",
    }
    assert (shop.version("raw"), shop.version("raw_count")) == (raw, count)
    assert shop.rows("total") == [{"amount": 3.0, "orders": 2}]
    deleted = [metrics["num_deleted_rows"] for metrics in shop.metrics("checked")]
    assert deleted == [0, 2, 0]
    assert shop.counted_by_events(*TABLES) == {table: len(shop.rows(table)) for table in TABLES}


def test_full_refresh_of_a_quarantine_is_one_of_the_table_that_fills_it(
    lakehouse: TestLakehouse, tmp_path: Path
) -> None:
    shop = checkout(lakehouse, tmp_path)
    land(shop, "a.json", 1.0)
    shop.update()
    result = shop.update(full_refresh=("rejected",))
    assert result.statuses["checked"] == result.statuses["rejected"] == "COMPLETED"
    assert [metrics["num_deleted_rows"] for metrics in shop.metrics("checked")] == [0, 1, 0]


@pytest.mark.parametrize(
    ("holder", "options", "selection"),
    [
        pytest.param("checked", {"options": ", reset_allowed=False"}, {"full_refresh_all": True}, id="table_of_all"),
        pytest.param("total", {"view_options": "(reset_allowed=False)"}, {"full_refresh": ("raw",)}, id="downstream"),
    ],
)
def test_full_refresh_over_a_table_that_must_not_be_reset_is_an_error_and_empties_nothing(
    lakehouse: TestLakehouse, tmp_path: Path, holder: str, options: dict[str, str], selection: dict[str, object]
) -> None:
    shop = checkout(lakehouse, tmp_path, **options)
    land(shop, "a.json", 1.0)
    shop.update()
    with pytest.raises(AuthorError, match=rf"orders\.py:\d+: `{holder}` is declared with reset_allowed=False"):
        shop.update(**selection)
    assert [len(shop.rows(table)) for table in TABLES] == [1, 1, 0, 1, 1]
