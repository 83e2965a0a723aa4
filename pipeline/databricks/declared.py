"""What a Databricks pipeline's source declares, in Python or SQL, as it was written there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import StructType

    from pipeline.declare.dataset import Query, SourceLocation

# Of a `table` only the frame that its query returns says whether it is a streaming table or a materialized view.
DeclaredKind = Literal["table", "streaming_table", "materialized_view", "temporary_view"]
ExpectationAction = Literal["warn", "drop", "fail"]


class Reads(Protocol):
    """What a source's queries read through, whichever way they are written.

    Names and paths are given as the source has them: `t`, `schema.t`, `catalog.schema.t`, `LIVE.t`, `/Volumes/…`.
    """

    def table(self, name: str, *, as_stream: bool, options: Mapping[str, str] | None = None) -> DataFrame:
        """Return a dataset of the pipeline or a table from outside, whole or as a stream.

        Raises:
            AuthorError: There is no such table.
        """
        ...

    def files(
        self,
        path: str,
        options: Mapping[str, str],
        *,
        as_stream: bool,
        schema: str | StructType | None = None,
    ) -> DataFrame:
        """Return the records of a folder's files: with Auto Loader as a stream, else all that are there.

        Args:
            path: The folder, or a file or pattern where it is not a stream.
            options: The reader's options under Databricks' names; `format` is one of them. Those of Auto Loader may be
                written with or without `cloudFiles.`.
            as_stream: Whether each file is read once, as it arrives.
            schema: The columns, where the source gives them.

        Raises:
            AuthorError: The path has no place on this machine, or an option cannot be honoured.
        """
        ...


@dataclass(frozen=True)
class DeclaredExpectation:
    """A rule for rows.

    Attributes:
        condition: True for rows that keep the rule: Spark SQL, or a column.
        action: What happens to a row for which it is false.
    """

    name: str
    condition: str | Column
    action: ExpectationAction


@dataclass(frozen=True)
class DeclaredDataset:
    """A table or view.

    Attributes:
        name: As written, with one to three parts.
        where: The declaration's file and line; for a notebook the line within its file.
        query: Returns its rows; it may only be called while a reader is active. None where flows alone fill it.
        sql: The query's text, where it is written in SQL.
        schema: The columns as declared: DDL, a StructType, or None.
        properties: The table's properties, as written.
        expectations: In the order of the source.
        is_private: Whether only this pipeline may read it; the same for a temporary table.
        without_effect: What the declaration asks for that changes nothing here, such as `cluster_by_auto`.
        refused: What cannot be honoured: the problem and the remedy, one pair each.
    """

    name: str
    kind: DeclaredKind
    where: SourceLocation
    query: Query | None = None
    sql: str = ""
    comment: str = ""
    schema: str | StructType | None = None
    properties: Mapping[str, str] = field(default_factory=dict)
    partition_columns: tuple[str, ...] = ()
    cluster_columns: tuple[str, ...] = ()
    expectations: tuple[DeclaredExpectation, ...] = ()
    is_private: bool = False
    without_effect: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class DeclaredFlow:
    """A query whose rows are appended to a streaming table.

    Attributes:
        target: The table, as written.
        query: Returns the rows.
        name: The flow's own name; empty where it has none.
        once: Whether it runs once for each full refresh, over all that it reads then.
    """

    target: str
    query: Query
    where: SourceLocation
    name: str = ""
    sql: str = ""
    once: bool = False


@dataclass(frozen=True)
class DeclaredChanges:
    """A flow that applies changes to a streaming table: AUTO CDC, or APPLY CHANGES.

    Attributes:
        target: The table, as written.
        source: The dataset with the changes, as written.
        sequence_by: What orders a key's changes: Spark SQL, or a column.
        condition: A condition that the rows of the source have to have the columns for; it chooses none of them.
        apply_as_deletes: True for changes that delete their key.
        apply_as_truncates: True for changes that empty the table.
        columns: The columns to keep; None for all.
        except_columns: The columns to leave out; None where none is named.
        ignore_null_updates: Whether a NULL leaves a column as it was.
        null_columns: The columns that a NULL leaves as they were; None where none is named.
        null_except_columns: The columns that get a NULL, all others staying as they were; None where none is named.
        track_columns: With type 2, the columns whose changes begin a version; None for all.
        track_except_columns: With type 2, those whose changes begin none; None where none is named.
        is_of_snapshots: Whether the source is read as snapshots of the whole.
    """

    target: str
    source: str | Query
    keys: tuple[str, ...]
    where: SourceLocation
    sequence_by: str | Column | None = None
    condition: str | Column | None = None
    apply_as_deletes: str | Column | None = None
    apply_as_truncates: str | Column | None = None
    columns: tuple[str, ...] | None = None
    except_columns: tuple[str, ...] | None = None
    ignore_null_updates: bool = False
    null_columns: tuple[str, ...] | None = None
    null_except_columns: tuple[str, ...] | None = None
    scd_type: Literal[1, 2] = 1
    track_columns: tuple[str, ...] | None = None
    track_except_columns: tuple[str, ...] | None = None
    name: str = ""
    once: bool = False
    is_of_snapshots: bool = False


Declared = DeclaredDataset | DeclaredFlow | DeclaredChanges
