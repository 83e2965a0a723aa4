"""Corrected values as a frame: those of nested columns read as files' values are, the others as texts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyspark.sql.pandas.types import to_arrow_type
from pyspark.sql.types import ArrayType, MapType, StringType, StructField, StructType

from pipeline.foundation.errors import AuthorError
from pipeline.records.fitting import MISFIT, fitting_of
from pipeline.records.sql_type import sql_type_of
from pipeline.records.values import RawNumber

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import DataType

    Values = Mapping[str, Mapping[str, str | None]]

# The columns of the frame, before those of nested columns.
RECORD, TEXTS = "__corrected_record", "__corrected"


def is_nested(kind: DataType) -> bool:
    """Return whether values of a type are written as JSON."""
    return isinstance(kind, ArrayType | MapType | StructType)


def name_in_frame(column: str) -> str:
    """Return the name that a nested column has in the frame."""
    return f"__corrected_{column}"


def frame_of(values: Values, nested: Sequence[StructField], spark: SparkSession) -> DataFrame:
    """Return corrected values, a row for each record: its id, the texts by column, and the nested columns.

    Args:
        values: For each record, the texts by column.
        nested: The nested columns among them.
        spark: The session.

    Raises:
        AuthorError: A text does not fit its nested column.
    """
    texts = pa.map_(pa.string(), pa.string())
    arrays = [pa.array(list(values), pa.string()), pa.array([list(one.items()) for one in values.values()], texts)]
    schema = StructType([StructField(RECORD, StringType()), StructField(TEXTS, MapType(StringType(), StringType()))])
    for field in nested:
        column = [_fitted(field, record, columns.get(field.name)) for record, columns in values.items()]
        arrays.append(pa.array(column, to_arrow_type(field.dataType, timezone="UTC")))
        schema.add(name_in_frame(field.name), field.dataType)
    return spark.createDataFrame(pa.table(arrays, names=schema.names), schema)


def misfit_error(column: str, record: str, text: str, kind: DataType, where: str = "") -> AuthorError:
    """Return the error for a text that does not fit its column."""
    problem = f"{where}{text!r} for `{column}` of {record} is not a {kind.simpleString()}."
    remedy = "Correct the file."
    if is_nested(kind):
        remedy = "Write the value as JSON, with no other keys and values than the type has, or leave the line out."
    return AuthorError(problem, remedy)


def _fitted(field: StructField, record: str, text: str | None) -> Any:
    """Return a value as Arrow takes it.

    Raises:
        AuthorError: The text does not fit.
    """
    if text is None:
        return None
    try:
        value = json.loads(text, parse_float=RawNumber, parse_constant=RawNumber)
        found = fitting_of(sql_type_of(to_arrow_type(field.dataType, timezone="UTC")))(value)
    except (ValueError, RecursionError):
        found = MISFIT
    if found is MISFIT:
        raise misfit_error(field.name, record, text, field.dataType)
    return found
