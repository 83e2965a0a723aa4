"""An author's test: rows written down, an update, and the tables that follow from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.testing import PipelineUnderTest

pytestmark = pytest.mark.spark

SOURCE = """
import dlt


@dlt.table
@dlt.expect_or_drop("known_country", "country IS NOT NULL")
def orders():
    raw = spark.readStream.format("cloudFiles").option("cloudFiles.format", "json")
    raw = raw.option("cloudFiles.inferColumnTypes", "true").load("/Volumes/main/raw/orders")
    countries = spark.read.table("main.ref.countries")
    return raw.join(countries, "code", "left").select("id", "country")
"""


@pytest.fixture
def shop(tmp_path: Path, pipeline_under_test: Callable[..., PipelineUnderTest]) -> PipelineUnderTest:
    (tmp_path / "orders.py").write_text(SOURCE, encoding="utf-8")
    settings = tmp_path / "pipeline.yml"
    text = "name: Shop\nschema: shop\nsources: orders.py\npaths: {/Volumes/main/raw: somewhere}\n"
    settings.write_text(text, encoding="utf-8")
    return pipeline_under_test(settings)


def test_rows_of_files_and_outside_tables_go_through_the_pipeline(shop: PipelineUnderTest) -> None:
    shop.files("/Volumes/main/raw/orders", [{"id": 1, "code": "NL"}, {"id": 2, "code": "XX"}])
    shop.table("main.ref.countries", [{"code": "NL", "country": "Netherlands"}])
    assert shop.update() == dict.fromkeys(("orders", "orders__quarantine"), "COMPLETED")
    assert shop.rows("orders") == [{"id": 1, "country": "Netherlands"}]
    expected: list[dict[str, Any]] = [{"id": 2, "country": None, "failed_expectations": ["known_country"]}]
    assert shop.rows("orders__quarantine", "id", "country", "failed_expectations") == expected


def test_source_without_rows_is_refused_by_name(shop: PipelineUnderTest) -> None:
    shop.files("/Volumes/main/raw/orders", [{"id": 1, "code": "NL"}])
    with pytest.raises(AuthorError, match=r"`main\.ref\.countries` is not a table of this pipeline"):
        shop.update()
