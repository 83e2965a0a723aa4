"""What is tried again, how often, and after which waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from deltalake.exceptions import DeltaError

from pipeline.batch import Batch
from pipeline.errors import AuthorError, DamagedStateError, DataError, EnvironmentFaultError, LakehouseError
from pipeline.faults import readable
from pipeline.merge import merge_keys
from pipeline.retry import retried
from pipeline.settings import RetrySettings
from pipeline.tables import Table
from tests.conftest import TABLES, reading

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from tests.conftest import TestLakehouse

SETTINGS = RetrySettings(attempts=4, first_wait=timedelta(seconds=1), longest_wait=timedelta(seconds=3))
FULL_DISK = OSError(28, "No space left on device")


def attempts_at(failures: list[Exception]) -> tuple[int, list[float], Exception | None]:
    """Return how often work was done that fails so, what was waited, and what was raised at last."""
    left, done = list(failures), 0
    waits: list[float] = []

    def work() -> None:
        nonlocal done
        done += 1
        if left:
            raise left.pop(0)

    try:
        retried(work, SETTINGS, waits.append, lambda *_: None)
    except Exception as error:  # noqa: BLE001 - the last one is what is asked for
        return done, waits, error
    return done, waits, None


def test_fault_of_the_environment_is_tried_again_after_waits_that_double() -> None:
    assert attempts_at([FULL_DISK, FULL_DISK, FULL_DISK]) == (4, [1.0, 2.0, 3.0], None)


def test_fault_that_stays_is_given_up_after_the_last_attempt() -> None:
    assert attempts_at([FULL_DISK] * 9) == (4, [1.0, 2.0, 3.0], FULL_DISK)


@pytest.mark.parametrize("error", [AuthorError("a", "b"), DataError("a", "b"), ValueError("a"), KeyError("a")])
def test_deterministic_failure_is_never_tried_again(error: Exception) -> None:
    assert attempts_at([error]) == (1, [], error)


@pytest.mark.spark
def test_flow_on_a_full_disk_is_tried_again_and_each_attempt_is_an_event(
    lakehouse: TestLakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    lakehouse.land("a.json", [reading(), reading(None)])
    append, failures = Table.append, [FULL_DISK, FULL_DISK]

    def full_for_a_while(self: Table, *given: Any, **options: Any) -> Any:
        if self.path.name == "silver_cleaned_sensors" and failures:
            raise failures.pop()
        return append(self, *given, **options)

    monkeypatch.setattr(Table, "append", full_for_a_while)
    assert lakehouse.update().statuses == dict.fromkeys(TABLES, "COMPLETED")
    lakehouse.assert_invariants()
    assert lakehouse.waits == [1.0, 2.0]
    again = [details for details in lakehouse.told("flow_progress", "silver_cleaned_sensors") if "attempt" in details]
    assert [(details["attempt"], details["wait_seconds"]) for details in again] == [(1, 1.0), (2, 2.0)]


@pytest.mark.spark
@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("SELECT no_such_column FROM VALUES (1) AS t(a)", AuthorError),
        ("SELEC 1", AuthorError),
        ("SELECT CAST('x' AS INT)", DataError),
        ("SELECT 1 / CAST(id AS INT) FROM range(1)", DataError),
        ("SELECT raise_error('mine')", DataError),
    ],
)
def test_exception_of_spark_is_judged_by_whose_fault_it_is(
    spark: SparkSession, statement: str, fault: type[LakehouseError]
) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever Spark raises is what is judged
        spark.sql(statement).collect()
    judged = readable(caught.value, "a_table")
    assert type(judged) is fault
    assert not judged.retryable
    assert "\n" not in judged.problem


def test_exceptions_of_the_system_are_the_environments() -> None:
    assert type(readable(FULL_DISK)) is EnvironmentFaultError
    assert readable(FULL_DISK).retryable
    gone = readable(FileNotFoundError(2, "No such file or directory", "a"), "gold")
    assert not gone.retryable
    assert "--full-refresh gold" in gone.remedy


def test_full_disk_that_deltalake_met_is_no_damage() -> None:
    error = DeltaError("Failed to parse parquet: Unable to copy data to file: No space left on device (os error 28)")
    assert type(readable(error)) is EnvironmentFaultError
    assert type(readable(DeltaError("Invalid JSON in a file of the log"))) is DamagedStateError


@pytest.mark.spark
@pytest.mark.parametrize("few", [True, False])
def test_query_that_gives_a_key_twice_is_the_author_s_to_correct(
    spark: SparkSession, few: bool, tmp_path: Path
) -> None:
    table, noon = Table(tmp_path / "table"), datetime(2026, 3, 1, 12, tzinfo=UTC)
    rows = spark.createDataFrame([("a", noon, 1)], "name STRING, window_start TIMESTAMP, n INT")
    table.append(rows, Batch("an update", "table", "a flow", 0))
    twice = spark.createDataFrame([("a", noon, 2), ("a", noon, 3)], rows.schema)
    windows = (noon, noon + timedelta(hours=1))
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever the engine raises is what is judged
        merge_keys(
            spark, table, twice, ["name", "window_start"], windows, Batch("an update", "table", "a flow", 1), few=few
        )
    judged = readable(caught.value, "table")
    assert type(judged) is AuthorError
    assert "one row for each of its keys" in judged.remedy
    assert table.row_count() == 1
