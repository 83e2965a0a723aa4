"""Records that come a second time keep the identity they were given the first time."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere
from pyspark.sql.types import ArrayType, MapType, StructField, StructType

from pipeline.declare.files_source import TECHNICAL_COLUMNS
from pipeline.foundation.sql_names import quoted

_CONTENT = "__content"
_OCCURRENCE = "__occurrence"


def with_known_ids(records: DataFrame, known: DataFrame) -> DataFrame:
    """Return records with the `record_id` that the same record of the same file had before.

    Two records are the same when all their values are, in columns or rescued; the second of two equal records
    of a file is the second again. Records that were not known keep the identity they have.
    """
    ids = _numbered(known).select(
        F.col("record_id").alias("__known_id"),
        F.col("source_file").alias("__known_file"),
        _CONTENT,
        _OCCURRENCE,
    )
    fresh = _numbered(records)
    same = (
        (fresh["source_file"] == ids["__known_file"])
        & (fresh[_CONTENT] == ids[_CONTENT])
        & (fresh[_OCCURRENCE] == ids[_OCCURRENCE])
    )
    joined = fresh.join(ids, on=same, how="left")
    record_id = F.coalesce(F.col("__known_id"), F.col("record_id")).alias("record_id")
    return joined.select(*[record_id if name == "record_id" else fresh[quoted(name)] for name in records.columns])


def _numbered(rows: DataFrame) -> DataFrame:
    alike = Window.partitionBy("source_file", _CONTENT).orderBy("record_id")
    return rows.withColumn(_CONTENT, _content(rows)).withColumn(_OCCURRENCE, F.row_number().over(alike))


def _content(rows: DataFrame) -> Column:
    """Return a text that is the same for equal records, whether a value is in a column or was rescued.

    A value that was rescued before its column came counts as the column's: both are entries of one map.
    """
    data = [name for name in rows.columns if name not in TECHNICAL_COLUMNS]
    in_columns = F.map_from_arrays(
        F.array(*[F.lit(name) for name in data]).cast("array<string>"),
        F.array(*[_as_text(rows.schema[name]) for name in data]).cast("array<string>"),
    )
    rescued = F.coalesce(F.from_json("_rescued_data", "map<string,string>"), F.create_map().cast("map<string,string>"))
    entries = F.concat(F.map_entries(in_columns), F.map_entries(rescued))
    kept = F.filter(entries, lambda entry: entry["value"].isNotNull() & (entry["key"] != "_file_path"))
    alike = F.transform(kept, lambda entry: F.struct(entry["key"], _normal(entry["value"])))
    return F.to_json(F.struct(F.array_sort(alike).alias("values"), F.col("_corrupt_record").alias("corrupt")))


def _as_text(field: StructField) -> Column:
    """Return a column's values as they would be rescued, nested ones as JSON."""
    column = F.col(quoted(field.name))
    return F.to_json(column) if isinstance(field.dataType, ArrayType | MapType | StructType) else column.cast("string")


def _normal(value: Column) -> Column:
    """Return a text in the form that its value has in a column, which may have come after it was rescued."""
    truth = F.when(F.lower(value).isin("true", "false"), F.lower(value))
    return F.coalesce(*(value.try_cast(kind).cast("string") for kind in ("double", "timestamp")), truth, value)
