"""Values as Spark's readers give them, brought into the columns of a table."""

from __future__ import annotations

import base64
import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline.records.columns import to_record_batch
from pipeline.records.long_values import without_long_values
from pipeline.records.options import TextOptions
from pipeline.records.sql_type import SqlTypeError, arrow_type, sql_type_of
from pipeline.records.values import RawNumber, Record

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import StructField, StructType

    from pipeline.ingest.reader import Plan
    from pipeline.records.kind import Inference, Kind

# What is too long is only known of whole rows.
_WITHOUT_BOUNDS = TextOptions(max_record_bytes=2**31 - 1)
_NESTED = {"struct", "array", "map", "variant"}
_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def kinds_in(schema: StructType, inference: Inference) -> dict[str, Kind]:
    """Return a file's columns, each with the kind of its values; none that holds nothing but null."""
    types = {field.name: _stored_type(field) for field in schema}
    # A BIGINT may have more digits than a double.
    kinds: dict[str, Kind] = {name: "large" if found == "bigint" else found for name, found in types.items() if found}
    return dict.fromkeys(kinds, "string") if inference == "none" else kinds


def stored_columns(frame: DataFrame) -> list[Column]:
    """Return a file's columns with types that Delta has: others as text, nested ones as JSON."""
    columns = []
    for field in frame.schema:
        column, kind = F.col("`{}`".format(field.name.replace("`", "``"))), _stored_type(field)
        if kind is None:
            continue
        is_text = kind == "string" and field.dataType.typeName() in _NESTED
        columns.append((F.to_json(column) if is_text else column.cast(kind)).alias(field.name))
    return columns


def as_rows(read: pa.RecordBatch, plan: Plan, path: str) -> pa.RecordBatch:
    """Return rows of one file with the columns of the plan that they have, and `_rescued_data`.

    A column of the type that its values have is taken as it is. Other values are fitted one by one, as those of
    other formats are, and values without a column are rescued.
    """
    columns = {column.name: column for column in plan.record_columns}
    arrays: dict[str, pa.Array] = {}
    rest = []
    for name, array in zip(read.schema.names, read.columns, strict=True):
        if name in columns and _is_alike(array, columns[name].arrow_type):
            arrays[name] = array.cast(columns[name].arrow_type)
        else:
            rest.append(name)
    if rest or not arrays:
        fitted = tuple(columns[name] for name in rest if name in columns)
        rescue = plan.source.schema_evolution_mode != "none"
        found = to_record_batch(as_records(read.select(rest)), fitted, path, rescue=rescue, options=_WITHOUT_BOUNDS)
        arrays |= dict(zip(found.schema.names, found.columns, strict=True))
    whole = pa.RecordBatch.from_pydict({"_corrupt_record": pa.nulls(read.num_rows, pa.string())} | arrays)
    return without_long_values(whole, lambda row: as_records(read.slice(row, 1))[0], plan.source.max_record_bytes)


def as_records(read: pa.RecordBatch) -> list[Record]:
    """Return rows as records, as JSON would have them."""
    columns = [_readable(column) for column in read.columns]
    rows = pa.RecordBatch.from_arrays(columns, names=read.schema.names).to_pylist() or [{}] * read.num_rows
    return [{name: _plain(value) for name, value in row.items() if value is not None} for row in rows]


def _stored_type(field: StructField) -> str | None:
    """Return the type that a column of a file has in a table, or None for one without any value.

    A moment without a zone is UTC. What Delta has no type for becomes text.
    """
    if field.dataType.typeName() == "void":
        return None
    try:
        return sql_type_of(arrow_type(field.dataType.simpleString().replace("timestamp_ntz", "timestamp")))
    except SqlTypeError:
        return "string"


def _is_alike(array: pa.Array, wanted: pa.DataType) -> bool:
    """Return whether values may be taken as they are: of the column's type, and finite."""
    try:
        if sql_type_of(array.type) != sql_type_of(wanted):
            return False
    except KeyError:
        return False
    return not pa.types.is_floating(array.type) or bool(pc.all(pc.is_finite(array), min_count=0).as_py())


def _readable(column: pa.Array) -> pa.Array:
    """Return a column with values that Python has: it knows no floats of 32 bits, and the years 1 to 9999 alone."""
    if pa.types.is_float32(column.type):
        return column.cast(pa.string()).cast(pa.float64())
    if not pa.types.is_temporal(column.type):
        return column
    is_moment = pa.types.is_timestamp(column.type)
    texts = (column.cast(pa.timestamp("us")) if is_moment else column).cast(pa.string())
    return pc.binary_join_element_wise(pc.replace_substring(texts, " ", "T"), "Z", "") if is_moment else texts


def _plain(value: Any) -> Any:
    """Return a value as JSON would have it, each digit kept."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        # Arrow gives the entries of a map as pairs.
        is_map = bool(value) and all(isinstance(item, tuple) for item in value)
        return {str(_plain(key)): _plain(item) for key, item in value} if is_map else [_plain(item) for item in value]
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if isinstance(value, date):
        text = value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value.isoformat()
        return text.replace("+00:00", "Z")
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Decimal):
        return RawNumber(str(value))
    if isinstance(value, float) and not math.isfinite(value):
        return RawNumber(_NOT_FINITE[str(value)])
    return value
