"""Columns that a query may name and that `*` leaves out, as Spark has them for its own files."""

from __future__ import annotations

from typing import Any

from pyspark.sql import DataFrame


def with_hidden(frame: DataFrame, name: str) -> DataFrame:
    """Return a frame whose column of this name is hidden: it can be named, but is not among the columns."""
    spark = frame.sparkSession
    jvm: Any = spark._jvm  # noqa: SLF001 - PySpark has no public door to hidden columns
    logical = jvm.org.apache.spark.sql.catalyst.plans.logical
    plan = frame._jdf.queryExecution().analyzed()  # noqa: SLF001
    output = plan.output()
    columns = [output.apply(index) for index in range(output.size())]
    shown, hidden = jvm.java.util.ArrayList(), jvm.java.util.ArrayList()
    for column in columns:
        (hidden if column.name() == name else shown).add(column)
    as_scala = jvm.scala.jdk.javaapi.CollectionConverters.asScala
    project = logical.Project(as_scala(shown).toSeq(), plan)
    project.setTagValue(logical.Project.hiddenOutputTag(), as_scala(hidden).toSeq())
    session: Any = spark._jsparkSession  # noqa: SLF001
    return DataFrame(jvm.org.apache.spark.sql.classic.Dataset.ofRows(session, project), spark)
