"""Small tables as pandas frames, for the expectations whose verdict is the same in pandas and Spark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.quality.suite_file import columns_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

# These look at column names only, not at values.
_OF_NAMES = frozenset({"expect_table_column_count_to_be_between", "expect_table_columns_to_match_set"})
# Great Expectations implements each expectation once for each engine. A test compares both implementations of these,
# with missing values and without rows. Spark judges all others, because some differ: Java's patterns are not Python's,
# and the sum of nothing is zero in pandas and NULL in Spark.
JUDGED_ALIKE = _OF_NAMES | {
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
    "expect_table_row_count_to_be_between",
    "expect_table_row_count_to_equal",
}


def judges_alike(expectation: Any, rows: pa.Table) -> bool:
    """Return whether pandas comes to the same verdict on these rows as Spark.

    It does for the expectations in `JUDGED_ALIKE` over integers, strings, timestamps and floats without NaN. One
    difference is accepted: of a quantile between two values, pandas takes the nearer value and Spark the lower.
    """
    return may_judge_alike(expectation) and all(_is_plain(rows[name]) for name in judged_columns([expectation]))


def may_judge_alike(expectation: Any) -> bool:
    """Return whether pandas comes to the same verdict as Spark where the columns' values allow it."""
    is_filtered = bool(expectation.configuration.kwargs.get("row_condition"))
    return expectation.expectation_type in JUDGED_ALIKE and not is_filtered


def judged_columns(expectations: Sequence[Any]) -> set[str]:
    """Return the columns whose values expectations look at."""
    return {name for item in expectations if item.expectation_type not in _OF_NAMES for name in columns_of(item)}


def as_pandas(rows: pa.Table, expectations: Sequence[Any]) -> pd.DataFrame:
    """Return rows as a frame of Arrow types, which tell NULL from NaN; timestamps are naive, in UTC, as in Spark.

    Args:
        rows: The rows.
        expectations: What they are judged by. Columns whose values none of these asks for are left empty, because
            Great Expectations hashes every value of a frame, which takes far longer than judging one column.
    """
    import pandas as pd  # noqa: PLC0415 - only the process that judges tables pays for it

    asked = judged_columns(expectations)
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
