"""The columns of rows, as Arrow has them and as Spark has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from pyspark.sql.types import StructType


def arrow_schema(schema: StructType) -> pa.Schema:
    """Return a frame's columns as Arrow's, all of them nullable, as in every table here."""
    from pyspark.sql.pandas.types import to_arrow_schema  # noqa: PLC0415 - commands read tables without Spark

    return pa.schema([pa.field(field.name, field.type) for field in to_arrow_schema(schema, timezone="UTC")])


def spark_schema(schema: pa.Schema) -> StructType:
    """Return Arrow's columns as Spark's; a moment without a zone gets none."""
    from pyspark.sql.pandas.types import from_arrow_schema  # noqa: PLC0415 - as above

    return from_arrow_schema(schema, prefer_timestamp_ntz=True)
