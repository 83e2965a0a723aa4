"""What is proven of a table's rows without a look at each of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from pipeline.quality import proof
from pipeline.quality.compiler import load_suite, open_context
from pipeline.quality.proof import is_proven
from tests.quality.suite_files import expectation, write_suite

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.spark, pytest.mark.slow]

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
ROWS = pa.table(
    {
        "id": ["a", "b", "c", "d", "e", "f", "g"],
        "id.of`a": ["a", "b", "c", "d", "e", "f", "g"],
        "twice": ["a", "b", "c", "d", "e", "f", "a"],
        "holes": ["a", None, None, "d", "e", "f", "g"],
        "number": pa.array([1, 2, 3, 4, 5, 6, 7], pa.int64()),
        "double": [0.0, -0.0, 1.0, 2.0, 3.0, 4.0, 5.0],
        "moment": pa.array([MIDNIGHT] * 7, pa.timestamp("us", "UTC")),
        "floor": ["A", "A", "A", "B", "B", "B", None],
    }
)


def unique(*columns: str) -> dict[str, Any]:
    if len(columns) == 1:
        return expectation("column_values_to_be_unique", f"unique {columns[0]}", "warn", column=columns[0])
    return expectation("compound_columns_to_be_unique", f"unique {columns}", "warn", column_list=list(columns))


def there(column: str) -> dict[str, Any]:
    return expectation("column_values_to_not_be_null", f"there {column}", "warn", column=column)


@pytest.mark.parametrize("at_once", [100, 3], ids=["at_once", "in_shares"])
def test_rows_that_all_meet_an_expectation_are_proven_to_and_no_others(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(proof, "_HASHES_AT_ONCE", at_once)
    asked = {
        "unique text": (unique("id"), True),
        "unique text of an odd name": (unique("id.of`a"), True),
        "unique number": (unique("number"), True),
        # What is missing is like nothing.
        "unique but for holes": (unique("holes"), True),
        "unique pair": (unique("floor", "id"), True),
        "twice": (unique("twice"), False),
        "one moment": (unique("moment"), False),
        "pair that comes twice": (unique("floor", "moment"), False),
        # They are one value, with unlike hashes.
        "zero and minus zero": (unique("double"), False),
        "no holes": (there("id"), True),
        "holes": (there("holes"), False),
        "name with a dot": (there("id.of`a"), False),
        "another kind": (expectation("column_values_to_be_null", "null", "warn", column="id"), False),
    }
    table, folder = tmp_path / "a table", tmp_path / "suites"
    write_deltalake(table, ROWS.slice(0, 4))
    write_deltalake(table, ROWS.slice(4), mode="append")
    write_suite(folder, "rows", *(item for item, _ in asked.values()))
    suite = load_suite(open_context(folder), "rows", folder / "rows.json")
    log = DeltaTable(table)
    found = [is_proven(item, log, lambda: spark.read.format("delta").load(str(table))) for item in suite.expectations]
    assert dict(zip(asked, found, strict=True)) == {name: is_met for name, (_, is_met) in asked.items()}


def test_files_of_which_the_log_tells_nothing_prove_nothing(spark: SparkSession, tmp_path: Path) -> None:
    table, folder = tmp_path / "a table", tmp_path / "suites"
    no_statistics = {"delta.dataSkippingNumIndexedCols": "0"}
    write_deltalake(table, ROWS.select(["id"]), configuration=no_statistics)
    write_suite(folder, "rows", there("id"))
    (item,) = load_suite(open_context(folder), "rows", folder / "rows.json").expectations
    assert not is_proven(item, DeltaTable(table), lambda: spark.read.format("delta").load(str(table)))
