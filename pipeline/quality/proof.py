"""Expectations that all rows of a large table are proven to meet, without Great Expectations looking at each row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere
from pyspark.sql.types import DateType, IntegralType, StringType, TimestampType

from pipeline.column_name import quoted
from pipeline.quality.compiler import columns_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from deltalake import DeltaTable
    from pyspark.sql import DataFrame

# Each takes 8 bytes, twice while they are fetched.
_HASHES_AT_ONCE = 7_000_000
# Values of other types may be alike in one way and differ in another, as 0.0 and -0.0 do.
_PLAIN = (StringType, IntegralType, DateType, TimestampType)
_NOT_NULL = "expect_column_values_to_not_be_null"
_UNIQUE = {"expect_column_values_to_be_unique", "expect_compound_columns_to_be_unique"}


def is_proven(expectation: Any, log: DeltaTable, rows: Callable[[], DataFrame]) -> bool:
    """Tell whether all rows of a table are proven to meet an expectation that none of them may break.

    That no value is missing is told by the table's log. That no two values are alike is proven where no two of their
    hashes are: to hash and to sort the hashes takes half of what it takes to sort the values.

    Args:
        expectation: Of Great Expectations.
        log: The table, at the version that was opened.
        rows: Gives its rows.

    Returns:
        False where it is broken, or where this says nothing of it.
    """
    columns = columns_of(expectation)
    if expectation.expectation_type == _NOT_NULL:
        return _has_no_nulls(log, *columns)
    return expectation.expectation_type in _UNIQUE and _has_unlike_hashes(rows(), columns, log.count())


def _has_no_nulls(log: DeltaTable, column: str) -> bool:
    files = pa.table(log.get_add_actions(flatten=True))
    told = f"null_count.{column}"
    # A field of a struct would have a name with a dot too.
    if "." in column or told not in files.column_names:
        return False
    return bool(not files[told].null_count and not pc.any(pc.not_equal(files[told], 0)).as_py())


def _has_unlike_hashes(rows: DataFrame, columns: tuple[str, ...], row_count: int) -> bool:
    names = list(map(quoted, columns))
    if not all(isinstance(rows.schema[name].dataType, _PLAIN) for name in columns):
        return False
    if len(names) == 1:
        # What is missing is like nothing; of several columns it is hashed as one more value.
        rows = rows.where(F.col(*names).isNotNull())
    hashes = rows.select(F.xxhash64(*names).alias("hash"))
    shares = -(-row_count // _HASHES_AT_ONCE)
    for share in range(shares):
        found = _sorted(hashes.where(F.pmod("hash", F.lit(shares)) == share).toArrow()["hash"])
        if (found[1:] == found[:-1]).any():
            return False
        # What Arrow has freed it would keep, for as long as this process lives.
        del found
        pa.default_memory_pool().release_unused()
    return True


def _sorted(hashes: pa.ChunkedArray) -> np.ndarray[Any, np.dtype[np.int64]]:
    found: np.ndarray[Any, np.dtype[np.int64]] = hashes.to_numpy()
    # What lies in one chunk is not copied, and may not be changed.
    found = found if found.flags.writeable else found.copy()
    found.sort()
    return found
