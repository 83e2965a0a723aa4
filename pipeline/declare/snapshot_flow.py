"""A declared source of snapshots: each is all rows that a table is to have at a version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Literal

from pipeline.declare.change_flow import ChangeFlow
from pipeline.declare.changes import Changes
from pipeline.foundation.errors import AuthorError, NoDataError

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from pipeline.declare.dataset import Query, SourceLocation

Version = int | float | str | date | datetime
# Returns the snapshot that follows a version, or the first one after None, with its own version; None if there is none.
Following = Callable[[Version | None], "tuple[DataFrame, Version] | None"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class SnapshotFlow:
    """Snapshots of one source that a table follows.

    Attributes:
        target: The table, a streaming table without a query of its own.
        source: What messages name as the source.
        keys: The columns that tell a snapshot's rows apart.
        location: Where it is declared.
        read: Returns the source's rows as they are now: each update takes them as a snapshot. None with `following`.
        following: Returns the next snapshot and its version. None with `read`.
        scd_type: 1 keeps the newest row of each key, 2 all of its versions.
        column_list: The columns that the table gets; by default all of the source's.
        except_column_list: The columns that it does not get.
        track_history_column_list: The columns whose change begins a new version; by default all.
        track_history_except_column_list: The columns whose change begins none.
        keeps_ingestion_columns: Whether the table also gets what read_files says of a row, such as `source_file`.
    """

    target: str
    source: str
    keys: tuple[str, ...]
    location: SourceLocation
    read: Query | None = None
    following: Following | None = None
    scd_type: Literal[1, 2] = 1
    column_list: tuple[str, ...] | None = None
    except_column_list: tuple[str, ...] | None = None
    track_history_column_list: tuple[str, ...] | None = None
    track_history_except_column_list: tuple[str, ...] | None = None
    keeps_ingestion_columns: bool = False

    def __post_init__(self) -> None:
        """Check what can be checked without the source's columns.

        Raises:
            AuthorError: Options contradict each other.
        """
        _ = self.changes

    @property
    def changes(self) -> Changes:
        """What the snapshots make of the table: the changes from one to the next."""
        flow = ChangeFlow(
            target=self.target,
            source=self.source,
            keys=self.keys,
            sequence_by="",
            location=self.location,
            scd_type=self.scd_type,
            column_list=self.column_list,
            except_column_list=self.except_column_list,
            track_history_column_list=self.track_history_column_list,
            track_history_except_column_list=self.track_history_except_column_list,
            keeps_ingestion_columns=self.keeps_ingestion_columns,
        )
        return Changes((flow,))

    def query(self) -> DataFrame:
        """Return the events of a snapshot, for the columns that they have.

        Raises:
            NoDataError: There is no snapshot yet.
        """
        if self.read is not None:
            return self.events(self.read(), _EPOCH)
        first = self.next_after(None)
        if first is None:
            problem = f"{self.location}: there is no snapshot for `{self.target}` yet, so its columns are not known."
            raise NoDataError(problem, "Have the function return the first snapshot for None.")
        return self.events(*first)

    def next_after(self, version: Version | None) -> tuple[DataFrame, Version] | None:
        """Return the snapshot that follows a version, and its own version, or None if there is none.

        Raises:
            AuthorError: The author's function returns something else.
        """
        assert self.following is not None
        found = self.following(version)
        if found is None:
            return None
        if not (isinstance(found, tuple) and len(found) == 2 and hasattr(found[0], "schema")):  # noqa: PLR2004
            got = type(found).__name__
            problem = f"{self.location}: `{self.source}` returns {got}; expected a DataFrame and its version, or None."
            raise AuthorError(problem, "Write `return frame, version`.")
        if isinstance(found[1], bool) or not isinstance(found[1], Version):
            problem = f"{self.location}: `{self.source}` returns a version of type {type(found[1]).__name__}."
            raise AuthorError(problem, "Return an int, a float, a str, a date or a datetime as the version.")
        return found

    def events(self, rows: DataFrame, version: Version) -> DataFrame:
        """Return the rows of a snapshot as events at its version.

        Raises:
            AuthorError: An option names a column that the source lacks, or the source has a reserved name.
        """
        (flow,) = self.changes.flows
        return replace(flow, sequence_by=column_of(version)).as_events(rows)


def column_of(version: Version) -> Column:
    """Return a version as a value whose type does not depend on how large it is; a time without a zone is UTC."""
    from pyspark.sql import functions as F  # noqa: N812, PLC0415 - declarations are loaded without Spark

    if isinstance(version, datetime) and version.tzinfo is None:
        version = version.replace(tzinfo=UTC)
    value = F.lit(version)
    return value.cast("bigint") if isinstance(version, int) else value
