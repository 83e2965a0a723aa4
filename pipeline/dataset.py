"""What a declaration becomes: a frozen record, kept in a registry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pipeline.errors import AuthorError

if TYPE_CHECKING:
    from datetime import timedelta

    from pyspark.sql import DataFrame

Query = Callable[[], "DataFrame"]
Kind = Literal["streaming_table", "materialized_view", "temporary_view"]


@dataclass(frozen=True)
class SourceLocation:
    """The file and line that a declaration stands at."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class TimeWindow:
    """The fixed windows of event time that a materialized view groups by.

    Attributes:
        column: The timestamp column of the source that is windowed.
        length: How long a window is; windows start at multiples of it since 1970-01-01T00:00:00Z.
    """

    column: str
    length: timedelta


@dataclass(frozen=True)
class Dataset:
    """One declared table or view.

    Attributes:
        query: The function that reads other datasets and returns this one's rows.
        expectations: The suite that judges every row, or None.
        expectation_columns: Columns that the query computes for its expectations alone; they are not stored.
        quarantine: The table that takes the rows that violate a drop expectation, or None.
        keys: A materialized view's grouping columns; with `time_window` they let an update recompute only
            the keys that new rows touch. Without them the view is recomputed whole.
        reset_allowed: Whether a full refresh may empty the table.
    """

    name: str
    kind: Kind
    query: Query
    comment: str
    location: SourceLocation
    expectations: str | None = None
    expectation_columns: tuple[str, ...] = ()
    quarantine: str | None = None
    keys: tuple[str, ...] = ()
    time_window: TimeWindow | None = None
    reset_allowed: bool = True


@dataclass
class Registry:
    """The declarations of one pipeline, in the order they were made."""

    datasets: dict[str, Dataset] = field(default_factory=dict)

    def register(self, dataset: Dataset) -> None:
        """Take in a declaration.

        Raises:
            AuthorError: A dataset of that name is there already.
        """
        earlier = self.datasets.get(dataset.name)
        if earlier is not None:
            problem = f"{dataset.location}: `{dataset.name}` is declared already, at {earlier.location}."
            raise AuthorError(problem, "Give one of the two another name.")
        self.datasets[dataset.name] = dataset
