"""Few rows as pandas has them, for what Great Expectations judges of them there as it does over Spark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.quality.compiler import columns_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

# Others give another verdict where values are missing, have another type than they are compared with, or are sought
# by a pattern, or there only.
_ALIKE = {
    "expect_column_max_to_be_between",
    "expect_column_mean_to_be_between",
    "expect_column_min_to_be_between",
    "expect_column_quantile_values_to_be_between",
    "expect_column_unique_value_count_to_be_between",
    "expect_column_values_to_be_between",
    "expect_column_values_to_be_null",
    "expect_column_values_to_be_unique",
    "expect_column_values_to_not_be_null",
    "expect_compound_columns_to_be_unique",
    "expect_table_column_count_to_be_between",
    "expect_table_columns_to_match_set",
    "expect_table_row_count_to_be_between",
    "expect_table_row_count_to_equal",
}
# They ask for a table's columns, not for what is in them.
_OF_NAMES = {"expect_table_column_count_to_be_between", "expect_table_columns_to_match_set"}


def judges_alike(expectation: Any, rows: pa.Table) -> bool:
    """Tell whether pandas comes to the verdict that Spark would: of numbers, texts and moments, none of them NaN.

    A quantile between two values is the nearer of them for pandas and the lower for Spark.
    """
    if expectation.expectation_type not in _ALIKE or expectation.configuration.kwargs.get("row_condition"):
        return False
    return all(_is_plain(rows[name]) for name in columns_of(expectation))


def as_pandas(rows: pa.Table, expectations: Sequence[Any]) -> pd.DataFrame:
    """Return rows with Arrow's types, where what is missing differs from NaN; moments in UTC, as Spark gives them.

    Args:
        rows: The rows.
        expectations: What is asked of them. A column whose values nobody asks for has none: Great Expectations makes
            a hash of every value that it is given, which takes far longer than to judge those of one column.
    """
    import pandas as pd  # noqa: PLC0415 - only who judges whole tables pays for it

    asked = {name for item in expectations if item.expectation_type not in _OF_NAMES for name in columns_of(item)}
    columns = [
        _in_utc(rows[name]) if name in asked else pa.nulls(rows.num_rows, pa.bool_()) for name in rows.column_names
    ]
    frame: pd.DataFrame = pa.table(columns, rows.column_names).to_pandas(types_mapper=pd.ArrowDtype)
    return frame


def _in_utc(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.timestamp(column.type.unit)) if pa.types.is_timestamp(column.type) else column


def _is_plain(column: pa.ChunkedArray) -> bool:
    if pa.types.is_floating(column.type):
        return not pc.any(pc.is_nan(column)).as_py()
    kinds = pa.types.is_integer, pa.types.is_string, pa.types.is_large_string, pa.types.is_timestamp
    return any(is_kind(column.type) for is_kind in kinds)
