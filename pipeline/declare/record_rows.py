"""The column that numbers the rows of one record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.foundation.identity import RECORD_ID, RECORD_ROW
from pipeline.foundation.sql_names import quoted

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


def with_record_row(rows: DataFrame, number: Column | None = None) -> DataFrame:
    """Return rows with `record_row` (BIGINT) behind their `record_id`; without a number it is NULL."""
    from pyspark.sql import functions as F  # noqa: N812, PLC0415 - declarations are loaded without Spark

    column = (F.lit(None) if number is None else number).cast("bigint").alias(RECORD_ROW)
    names = [name for name in rows.columns if name != RECORD_ROW]
    columns = [F.col(quoted(name)) for name in names]
    position = names.index(RECORD_ID) + 1
    return rows.select(*columns[:position], column, *columns[position:])
