"""Declarations as frozen records, kept in a registry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import reduce
from typing import TYPE_CHECKING, Literal

from pipeline.declare.changes import Changes
from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from pipeline.declare.change_flow import ChangeFlow
    from pipeline.declare.snapshot_flow import SnapshotFlow

Query = Callable[[], "DataFrame"]
# Of a `table` the frame that its query returns says which of the first two it is.
Kind = Literal["streaming_table", "materialized_view", "temporary_view", "table"]


@dataclass(frozen=True)
class SourceLocation:
    """The file and line of a declaration."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class TimeWindow:
    """The tumbling windows of event time that a materialized view groups by.

    A hint: an update checks it against the query.

    Attributes:
        column: The timestamp column of the source.
        width: The length of a window.
        offset: How long after multiples of `width` since 1970-01-01T00:00, in the zone, windows start.
        zone: The time zone whose wall clock the windows follow, as `from_utc_timestamp` takes it.
    """

    column: str
    width: timedelta
    offset: timedelta = timedelta(0)
    zone: str = "UTC"


@dataclass(frozen=True)
class RowRule:
    """A rule for rows that is part of the declaration, not of a suite.

    Attributes:
        condition: False for the rows that violate it: Spark SQL, or a column. NULL does not violate it.
        action: `warn` keeps the row, `drop` leaves it out, `fail` stops the flow.
    """

    name: str
    condition: str | Column
    action: Literal["warn", "drop", "fail"]


@dataclass(frozen=True)
class Dataset:
    """One declared table or view.

    Attributes:
        query: The function that reads other datasets and returns this one's rows.
        expectations: The suite that judges every row, or None.
        rules: Rules that are part of the declaration. They judge what the query returns, whatever it reads, and a
            quarantine of theirs has the rows as the query made them.
        expectation_columns: Columns that the query computes for its expectations only; they are not stored.
        quarantine: The table for rows that violate a drop expectation, or None.
        keys: A materialized view's grouping columns; with `time_window` they let an update recompute only
            the keys that new rows touch. Without them the whole view is recomputed.
        reset_allowed: Whether a full refresh may empty the table.
        changes: What changes its rows by key, or None. Its query then returns events, not the table's rows.
        snapshots: The snapshots that its changes come from, or None. Its query then returns one of them as events.
        once_for: The table that its rows go into, once in the life of that one; None for any other dataset.
        flow_count: How many flows fill a streaming table; the query gives the rows of all.
    """

    name: str
    kind: Kind
    query: Query
    comment: str
    location: SourceLocation
    expectations: str | None = None
    rules: tuple[RowRule, ...] = ()
    expectation_columns: tuple[str, ...] = ()
    quarantine: str | None = None
    keys: tuple[str, ...] = ()
    time_window: TimeWindow | None = None
    reset_allowed: bool = True
    changes: Changes | None = None
    snapshots: SnapshotFlow | None = None
    once_for: str | None = None
    flow_count: int = 1


@dataclass(frozen=True)
class AppendFlow:
    """One more query whose rows go into a streaming table."""

    target: str
    query: Query
    location: SourceLocation


@dataclass
class Registry:
    """The declarations of one pipeline, in the order they were made.

    Attributes:
        datasets: The tables and views, by name.
        flows: Queries that append to streaming tables beside the tables' own.
        change_flows: Changes of streaming tables that have no query of their own.
        snapshot_flows: Snapshots that such tables follow.
    """

    datasets: dict[str, Dataset] = field(default_factory=dict)
    flows: list[AppendFlow] = field(default_factory=list)
    change_flows: list[ChangeFlow] = field(default_factory=list)
    snapshot_flows: list[SnapshotFlow] = field(default_factory=list)

    def register(self, dataset: Dataset) -> None:
        """Add a declaration.

        Raises:
            AuthorError: A dataset of that name exists already.
        """
        earlier = self.datasets.get(dataset.name)
        if earlier is not None:
            problem = f"{dataset.location}: `{dataset.name}` is declared already, at {earlier.location}."
            raise AuthorError(problem, "Give one of the two another name.")
        self.datasets[dataset.name] = dataset

    def close(self) -> None:
        """Have each table's query give the rows of all its flows, once all declarations are made.

        Raises:
            AuthorError: A flow appends to no streaming table, or a table has no query.
        """
        self._close_changes()
        for flow in self.flows:
            target = self.datasets.get(flow.target)
            if target is None or target.kind not in {"streaming_table", "table"}:
                problem = f"{flow.location}: `{flow.target}` is not a declared streaming table."
                raise AuthorError(problem, "Declare it with @table, or with create_streaming_table().")
        for name, dataset in self.datasets.items():
            queries = [flow.query for flow in self.flows if flow.target == name]
            if dataset.changes is not None:
                continue
            if dataset.query is no_query:
                if not queries:
                    problem = f"{dataset.location}: no flow fills the streaming table `{name}`."
                    raise AuthorError(problem, f'Decorate a query with @append_flow(target="{name}").')
            else:
                queries.insert(0, dataset.query)
            if len(queries) > 1 or dataset.query is no_query:
                self.datasets[name] = replace(dataset, query=_union(queries), flow_count=len(queries))

    def _close_changes(self) -> None:
        """Have each table that is changed by key know its changes.

        Raises:
            AuthorError: Changes go into no streaming table, or into one that has other rows.
        """
        flows: list[ChangeFlow | SnapshotFlow] = [*self.change_flows, *self.snapshot_flows]
        for flow in flows:
            target = self.datasets.get(flow.target)
            if target is None or target.kind != "streaming_table":
                problem = f"{flow.location}: `{flow.target}` is not a declared streaming table."
                raise AuthorError(problem, "Declare it with @change_table, or with create_streaming_table().")
            appended = [other.location for other in self.flows if other.target == flow.target]
            if target.query is not no_query or appended:
                where = appended[0] if appended else target.location
                problem = f"{flow.location}: `{flow.target}` is changed by key, and {where} appends rows to it."
                raise AuthorError(problem, "Use one of the two for a table.")
        for name in dict.fromkeys(flow.target for flow in self.change_flows):
            changes = Changes(tuple(flow for flow in self.change_flows if flow.target == name))
            self.datasets[name] = replace(self.datasets[name], changes=changes, query=changes.query)
        for snapshots in self.snapshot_flows:
            target = self.datasets[snapshots.target]
            if target.changes is not None:
                problem = f"{snapshots.location}: `{target.name}` follows snapshots, and another flow changes it too."
                raise AuthorError(problem, "Keep one of the flows into that table.")
            query, changes = snapshots.query, snapshots.changes
            self.datasets[target.name] = replace(target, changes=changes, snapshots=snapshots, query=query)


def no_query() -> DataFrame:
    """Stand for the query of a table that only flows fill."""
    raise AssertionError


def _union(queries: list[Query]) -> Query:
    def query() -> DataFrame:
        return reduce(lambda rows, more: rows.unionByName(more, allowMissingColumns=True), [one() for one in queries])

    return query
