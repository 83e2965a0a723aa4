"""A declared source of changes: rows that insert, update or delete the rows of a table by key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pipeline.foundation.errors import AuthorError, UnknownNameError
from pipeline.foundation.identity import IDENTITY, RECORD_ID, RECORD_ROW
from pipeline.foundation.sql_names import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pyspark.sql import Column, DataFrame

    from pipeline.declare.dataset import Query, SourceLocation

# Columns of an event beside those of the table.
SEQUENCE = "__sequence"
FIRST = "__sequence_first"
OPERATION = "__operation"
EVENT_RECORD = {RECORD_ID: "__record_id", RECORD_ROW: "__record_row"}
# Columns of a table that keeps its history.
START, END = "__START_AT", "__END_AT"

UPSERT, DELETE, TRUNCATE = range(3)

RESERVED = (SEQUENCE, FIRST, OPERATION, *EVENT_RECORD.values(), "__batch", START, END)
# Where a row of the source came from, which says nothing of the key.
_OF_INGESTION = (
    *IDENTITY, "_rescued_data", "_corrupt_record", "source_file", "file_modification_time", "ingestion_timestamp",
    "warnings",
)  # fmt: skip


@dataclass(frozen=True)
class ChangeFlow:
    """Changes of one source that go into a table, with the options of the original's `create_auto_cdc_flow`.

    Attributes:
        target: The table, a streaming table without a query of its own.
        source: The dataset whose rows are the changes.
        keys: The columns that say which row a change is about.
        sequence_by: What orders the changes of a key: a column's name, an SQL expression, or a Column.
        location: Where it is declared.
        scd_type: 1 keeps the newest row of each key, 2 all of its versions.
        apply_as_deletes: Which changes delete their key, as SQL or a Column; by default none does.
        apply_as_truncates: Which changes delete all keys; with `scd_type` 1 only.
        ignore_null_updates: Whether a NULL leaves a column as it was.
        ignore_null_updates_column_list: The columns that a NULL leaves as they were; no others.
        ignore_null_updates_except_column_list: The columns that get a NULL; all others are left as they were.
        column_list: The columns that the table gets; by default all of the source's.
        except_column_list: The columns that it does not get.
        track_history_column_list: The columns whose change begins a new version; by default all.
        track_history_except_column_list: The columns whose change begins none.
        name: The flow's name; empty means the target's.
        keeps_ingestion_columns: Whether the table also gets what read_files says of a row, such as `source_file`.
        query: Returns the changes as a stream; by default they are the rows of `source`.
    """

    target: str
    source: str
    keys: tuple[str, ...]
    sequence_by: str | Column
    location: SourceLocation
    scd_type: Literal[1, 2] = 1
    apply_as_deletes: str | Column | None = None
    apply_as_truncates: str | Column | None = None
    ignore_null_updates: bool = False
    ignore_null_updates_column_list: tuple[str, ...] | None = None
    ignore_null_updates_except_column_list: tuple[str, ...] | None = None
    column_list: tuple[str, ...] | None = None
    except_column_list: tuple[str, ...] | None = None
    track_history_column_list: tuple[str, ...] | None = None
    track_history_except_column_list: tuple[str, ...] | None = None
    name: str = ""
    keeps_ingestion_columns: bool = False
    query: Query | None = None

    def __post_init__(self) -> None:
        """Check what can be checked without the source's columns.

        Raises:
            AuthorError: Options contradict each other.
        """
        lists = (
            ("column_list", "except_column_list"),
            ("track_history_column_list", "track_history_except_column_list"),
            ("ignore_null_updates_column_list", "ignore_null_updates_except_column_list"),
            ("ignore_null_updates", "ignore_null_updates_column_list"),
            ("ignore_null_updates", "ignore_null_updates_except_column_list"),
        )
        for one, other in lists:
            if getattr(self, one) not in (None, False) and getattr(self, other) is not None:
                self._refuse(f"has both `{one}` and `{other}`.", "Leave one of them out.")
        if not self.keys:
            self._refuse("has no `keys`.", 'Name the columns that tell its rows apart, such as keys=["device_id"].')
        if self.scd_type not in (1, 2):
            self._refuse(f"has scd_type={self.scd_type!r}; expected 1 or 2.", "Correct that option.")
        if self.scd_type == 2 and self.apply_as_truncates is not None:  # noqa: PLR2004
            self._refuse("has `apply_as_truncates` with scd_type=2.", "Leave it out, or use scd_type=1.")
        if self.scd_type == 1 and (self.track_history_column_list or self.track_history_except_column_list):
            self._refuse("has `track_history_…` with scd_type=1.", "Leave it out, or use scd_type=2.")

    def events(self) -> DataFrame:
        """Return the changes as events: the table's columns, what orders them, and what each of them does.

        Raises:
            AuthorError: An option does not fit the source, or the source is not read as a stream.
        """
        # Reading knows declarations, so that this one cannot know it from the start.
        from pipeline.declare.reading import read_stream  # noqa: PLC0415

        rows = read_stream(self.source) if self.query is None else self.query()
        if not rows.isStreaming:
            problem = f"gets its changes from `{self.source}`, which is read whole."
            self._refuse(problem, "Read the source as a stream: each change is taken once.")
        return self.as_events(rows)

    def as_events(self, rows: DataFrame) -> DataFrame:
        """Return rows of the source as events.

        Raises:
            AuthorError: An option names a column that the source lacks, or the source has a reserved name.
        """
        from pyspark.sql import functions as F  # noqa: N812, PLC0415 - declarations are loaded without Spark
        from pyspark.sql.types import StructType  # noqa: PLC0415

        for name in rows.columns:
            if name in RESERVED:
                self._refuse(f"reads a column `{name}`, which is a name of the engine's.", "Rename it in the source.")
        sequence = self._value("sequence_by", rows)
        operation = F.lit(UPSERT)
        for option, meaning in (("apply_as_deletes", DELETE), ("apply_as_truncates", TRUNCATE)):
            if getattr(self, option) is not None:
                operation = F.when(self._value(option, rows), F.lit(meaning)).otherwise(operation)
        records = {} if self.keeps_ingestion_columns else EVENT_RECORD
        origin = [F.col(name).alias(alias) for name, alias in records.items() if name in rows.columns]
        columns = self.columns(rows.columns)
        events = rows.select(
            *(F.col(quoted(key)).alias(key) for key in self.keys),
            sequence.alias(SEQUENCE),
            operation.cast("tinyint").alias(OPERATION),
            *origin,
            *(F.col(quoted(name)) for name in columns if not is_among(name, self.keys)),
        )
        kind = events.schema[SEQUENCE].dataType
        # Delta's log does not have the bounds of a struct.
        first = F.col(SEQUENCE)[kind.fieldNames()[0]] if isinstance(kind, StructType) else None
        return events if first is None else events.withColumn(FIRST, first)

    def columns(self, names: Sequence[str]) -> list[str]:
        """Return which of the source's columns the table gets, in their order.

        Raises:
            AuthorError: The lists name columns that the source lacks, or leave out a key.
        """
        for option in ("keys", "column_list", "except_column_list"):
            for name in getattr(self, option) or ():
                if not is_among(name, names):
                    where = f"{self.location}, `{option}` of `{self.target}`"
                    raise UnknownNameError(f"column of `{self.source}`", name, names, where)
        excepted = self.except_column_list or ()
        if self.column_list is not None:
            wanted = [name for name in names if is_among(name, self.column_list)]
        else:
            of_ingestion = () if self.keeps_ingestion_columns else _OF_INGESTION
            kept = [name for name in names if name not in of_ingestion or is_among(name, self.keys)]
            wanted = [name for name in kept if not is_among(name, excepted)]
        for key in self.keys:
            if not is_among(key, wanted):
                self._refuse(f"leaves out its key `{key}`.", "Keep the keys among its columns.")
        return wanted

    def _value(self, option: str, rows: DataFrame) -> Column:
        """Return what an option gives for each row: a column by its name, an SQL expression, or a Column as it is."""
        from pyspark.errors import AnalysisException, ParseException  # noqa: PLC0415 - as above
        from pyspark.sql import functions as F  # noqa: N812, PLC0415

        given = getattr(self, option)
        try:
            value = given if not isinstance(given, str) else F.expr(quoted(given) if given in rows.columns else given)
            rows.select(value)
        except (AnalysisException, ParseException) as error:
            first_line = str(error).splitlines()[0]
            problem = f"{self.location}: `{option}` of `{self.target}` does not fit the rows of `{self.source}`: "
            raise AuthorError(problem + first_line, "Correct that option; it may use the source's columns.") from error
        return value

    def _refuse(self, problem: str, remedy: str) -> None:
        raise AuthorError(f"{self.location}: the change table `{self.target}` {problem}", remedy)


def is_among(name: str, others: Iterable[str]) -> bool:
    """Return whether a column is one of others; Spark does not tell names apart that differ in case alone."""
    return name.lower() in {other.lower() for other in others}
