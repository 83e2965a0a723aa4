"""Rejected rows that are judged again, one by one or with all rows of their record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline.delta.merge import delete_matching
from pipeline.delta.rows import SparkRows
from pipeline.flows.flow import Progress
from pipeline.flows.numbering import keys_of, matching
from pipeline.foundation.identity import IDENTITY, RECORD_ID, RECORD_ROW
from pipeline.foundation.sql_names import quoted
from pipeline.quality.judge import FAILED, Witness

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pipeline.delta.batch import Batch
    from pipeline.flows.judged_query import JudgedQuery


def replay(query: JudgedQuery, rejected: DataFrame, rows: DataFrame, batch: Batch) -> Progress:
    """Judge quarantined rows by the current rules and move what now passes to the table, once for a batch.

    Args:
        query: The table's, which numbers the rows of a record.
        rejected: Rows of the quarantine.
        rows: The same rows as the source has them, corrected.
        batch: The key of both commits.
    """
    name, quarantine = query.node.name, query.node.dataset.quarantine
    assert quarantine is not None
    spark = query.lakehouse.spark
    table, rest = query.lakehouse.table(name), query.lakehouse.table(quarantine)
    keys = keys_of(rejected)
    chosen = F.broadcast(rejected.select(*keys))
    # Other rows of these records are in the table already, or were not asked for.
    judged = matching(query.judged(rows), chosen, keys, "left_semi")
    witness = Witness(query.suite)
    if table.committed_batch(batch.flow_id) < batch.batch_id:
        passing = witness.observing(judged.where(F.size(FAILED) == 0))
        moved = table.append(SparkRows(query.good(passing)), batch)
    else:
        # The rules may have changed since, so the commit decides which rows had passed.
        taken = witness.observing(matching(judged, table.read(spark).select(*keys), keys, "left_semi"))
        taken.write.format("noop").mode("overwrite").save()
        moved = table.written_by(batch)
    held = matching(table.read(spark).select(*keys), chosen, keys, "left_semi")
    gone = delete_matching(spark, rest, held, keys, batch)
    evidence = witness.evidence() if query.suite.rules else None
    replayed = judged.count()
    facts = {"num_replayed_rows": replayed, "still_failing": failing(judged)}
    return Progress(replayed, {name: moved, quarantine: gone}, evidence, facts)


def failing(judged: DataFrame) -> dict[str, int]:
    """Return how many rows violate each drop or fail rule that any row violates."""
    counted = judged.select(F.explode(FAILED).alias("rule")).groupBy("rule").count().collect()
    return {row["rule"]: row["count"] for row in sorted(counted)}


def unlike_stored(query: JudgedQuery, rows: DataFrame) -> list[str]:
    """Return the records of which the query makes other rows than the table and its quarantine have.

    Args:
        query: The table's, which numbers the rows of a record.
        rows: Records of the quarantine, as the source has them.
    """
    spark, names = query.lakehouse.spark, (query.node.name, str(query.node.dataset.quarantine))
    made = query.good(query.judged(rows))
    table, rejected = (query.lakehouse.table(name).read(spark) for name in names)
    ids = F.broadcast(rows.select(RECORD_ID))
    kept, left_out = (matching(stored, ids, [RECORD_ID], "left_semi") for stored in (table, rejected))
    common = [quoted(name) for name in table.columns if name in made.columns and name != "warnings"]
    values = F.to_json(F.struct(*common))
    both = _side(made, values, made=1).union(_side(kept, values, made=0)).union(_side(left_out, F.lit(None), made=0))
    # One row that is made and one that is stored, with the same values where the table has them.
    is_same = (F.sum("made") == 1) & (F.count("*") == 2) & (F.count_distinct("values") <= 1)  # noqa: PLR2004
    found = both.groupBy(*IDENTITY).agg(is_same.alias("is_same")).where("not is_same").select(RECORD_ID).distinct()
    return sorted(row[RECORD_ID] for row in found.collect())


def _side(rows: DataFrame, values: Any, *, made: int) -> DataFrame:
    number = F.col(RECORD_ROW) if RECORD_ROW in rows.columns else F.lit(None).cast("bigint").alias(RECORD_ROW)
    return rows.select(RECORD_ID, number, values.cast("string").alias("values"), F.lit(made).alias("made"))
