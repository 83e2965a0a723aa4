"""A Delta table read by Spark as the files that its log names, without asking Delta for the table's state."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from pyspark.sql.types import StructType

from pipeline.arrow import files_of, is_its_files

if TYPE_CHECKING:
    from deltalake import DeltaTable
    from pyspark.sql import DataFrame, SparkSession

    from pipeline.arrow import Times

# What Hadoop takes for a pattern.
_PATTERN = re.compile(r"([{}\[\]*?\\])")


def scan(spark: SparkSession, table: DeltaTable, times: Times | None = None) -> DataFrame | None:
    """Return a table's rows, or None where they are not simply those of its files.

    Delta plans a read by computing the table's state and asking it for the files, a second or two of Spark jobs for
    every version, which deltalake answers in milliseconds. The frame stays with the version that was opened.

    Args:
        spark: The session that reads.
        table: What is read, at the version that was opened.
        times: Rows outside these times may be left out; files whose statistics rule them out are not read.
    """
    if not is_its_files(table):
        return None
    schema = StructType.fromJson(json.loads(table.schema().to_json()))
    paths = [_PATTERN.sub(r"\\\1", str(file)) for file in files_of(table, times)]
    return spark.read.schema(schema).parquet(*paths) if paths else spark.createDataFrame([], schema)
