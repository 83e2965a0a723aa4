"""The journal of changes: which of its files are read for changes that come late."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.declare.change_flow import OPERATION, SEQUENCE, UPSERT, ChangeFlow
from pipeline.declare.changes import Changes
from pipeline.declare.dataset import SourceLocation
from pipeline.delta.batch import Batch
from pipeline.delta.table import Table
from pipeline.flows.journal import Journal, UnorderedChangesError

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

HERE = SourceLocation(__file__, 1)
CHANGES = Changes((ChangeFlow("registry", "changes", ("key",), "at", HERE),))


class Fed:
    """A journal that is given batches: each with changes of a line's two devices at one time."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self.spark = spark
        self.journal = Journal(Table(folder / "journal"), CHANGES, "registry", spark)
        self.batches = 0

    def take(self, *rows: tuple[str | None, int | None]) -> tuple[DataFrame, Batch]:
        schema = f"key STRING, {SEQUENCE} INT, {OPERATION} TINYINT, floor STRING"
        events = self.spark.createDataFrame([(*row, UPSERT, "North") for row in rows], schema)
        batch = Batch("update", "registry", "flow", self.batches)
        self.batches += 1
        return self.journal.taken(events, batch, few=True), batch

    def line(self, letter: str, at: int) -> None:
        self.take((f"{letter}1", at), (f"{letter}2", at))

    def overtaken(self, *rows: tuple[str, int], few: bool = True) -> tuple[list[tuple[str, int]], int] | None:
        """Take a batch, and return the changes of its late keys, and how many files were read for them."""
        events, batch = self.take(*rows)
        found = self.journal.of_overtaken_keys(events, batch, few=few)
        if found is None:
            return None
        return sorted((row["key"], row[SEQUENCE]) for row in found.collect()), len(found.inputFiles())


@pytest.fixture
def fed(spark: SparkSession, tmp_path: Path) -> Fed:
    return Fed(spark, tmp_path)


@pytest.mark.parametrize("few", [True, False])
def test_changes_that_are_newest_of_their_keys_ask_for_nothing(fed: Fed, few: bool) -> None:
    for at, letter in enumerate("ABCABC"):
        fed.line(letter, at)
    assert fed.overtaken(("A1", 7), ("C2", 8), few=few) is None


def test_late_change_reads_the_files_that_may_have_its_key_however_long_the_journal(fed: Fed) -> None:
    for at, letter in enumerate("ABCDEF"):
        fed.line(letter, at + 10)
    # The file of line B, and the batch's own; F1 is newer than all before it.
    found = fed.overtaken(("B1", 5), ("F1", 90))
    assert found == ([("B1", 5), ("B1", 11)], 2)
    for at, letter in enumerate("CDEFCDEFCDEF"):
        fed.line(letter, at + 100)
    found = fed.overtaken(("B1", 7), ("F1", 200))
    # With the earlier late batch, which holds B1 to F1.
    assert found == ([("B1", 5), ("B1", 7), ("B1", 11)], 3)


def test_late_keys_of_many_changes_are_the_same(fed: Fed) -> None:
    for at, letter in enumerate("ABC"):
        fed.line(letter, at + 10)
    found = fed.overtaken(("B1", 5), ("B2", 90), ("C1", 12), few=False)
    assert found is not None
    assert found[0] == [("B1", 5), ("B1", 11), ("C1", 12), ("C1", 12)]


def test_batch_that_comes_again_is_read_from_the_journal(fed: Fed) -> None:
    events, batch = fed.take(("A1", 1))
    other = fed.spark.createDataFrame([("A1", 2, UPSERT, "South")], events.drop("__batch").schema)
    again = fed.journal.taken(other, batch, few=True)
    assert [(row["key"], row[SEQUENCE], row["floor"]) for row in again.collect()] == [("A1", 1, "North")]
    assert fed.journal.row_count(batch) == 1


def test_changes_without_key_or_sequence_are_counted_and_not_kept(fed: Fed) -> None:
    with pytest.raises(UnorderedChangesError) as raised:
        fed.take((None, 1), ("A1", None), (None, None), ("A1", 1))
    assert (raised.value.without_key, raised.value.without_sequence) == (2, 2)
    assert not fed.journal.table.exists
