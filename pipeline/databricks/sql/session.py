"""Spark's own SQL, over frames that queries read as views."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import unwrap
from typing import TYPE_CHECKING, Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import DataFrame, SparkSession

from pipeline.databricks.sql.json_paths import with_json_paths

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Views are the session's, and flows may plan their queries at the same time.
_VIEWS = threading.RLock()
# Spark has no message for this error of its own, so it comes as another one.
_PATH_INTO_TEXT = "COLUMN_IS_NOT_VARIANT_TYPE"


@dataclass(frozen=True)
class Session:
    """What a query needs of Spark."""

    spark: SparkSession

    def sql(self, text: str) -> DataFrame:
        """Return the rows of a query that reads views, through Spark's own `sql` where that method is wrapped."""
        ask = unwrap(SparkSession.sql)
        try:
            rows: DataFrame = ask(self.spark, text)
        except Py4JJavaError as error:
            if _PATH_INTO_TEXT not in str(error.java_exception):
                raise
            rows = ask(self.spark, with_json_paths(text))
        return rows

    def has_view(self, name: str) -> bool:
        """Return whether the author's code has made a temporary view of this name."""
        return self.spark.catalog.tableExists(name)

    def value(self, expression: str) -> str:
        """Return what an expression without columns gives, as a text; nothing for NULL."""
        row = self.sql(f"SELECT CAST(({expression}) AS STRING)").first()
        return "" if row is None or row[0] is None else str(row[0])

    @contextmanager
    def views(self, frames: Mapping[str, DataFrame]) -> Iterator[None]:
        """Let queries inside the block read frames under the names of views."""
        with _VIEWS:
            try:
                for name, frame in frames.items():
                    self._own(frame).createOrReplaceTempView(name)
                yield
            finally:
                for name in frames:
                    self.spark.catalog.dropTempView(name)

    def _own(self, frame: DataFrame) -> DataFrame:
        """Return a frame in this session: a stream's batches come in a session of their own."""
        session: Any = self.spark._jsparkSession  # noqa: SLF001 - PySpark has no public door to it
        if frame._jdf.sparkSession().equals(session):  # noqa: SLF001
            return frame
        jvm: Any = self.spark._jvm  # noqa: SLF001
        plan = frame._jdf.queryExecution().analyzed()  # noqa: SLF001
        return DataFrame(jvm.org.apache.spark.sql.classic.Dataset.ofRows(session, plan), self.spark)
