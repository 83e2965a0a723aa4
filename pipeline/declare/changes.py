"""All changes that go into one table, and what they make of its columns."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import reduce
from typing import TYPE_CHECKING, Any

from pipeline.declare.change_flow import END, RESERVED, SEQUENCE, START, ChangeFlow, is_among
from pipeline.foundation.errors import AuthorError, UnknownNameError
from pipeline.foundation.sql_names import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyspark.sql import DataFrame

_HISTORY_OPTIONS = ("track_history_column_list", "track_history_except_column_list")
_NULL_OPTIONS = (
    "ignore_null_updates", "ignore_null_updates_column_list", "ignore_null_updates_except_column_list",
)  # fmt: skip
# What the stored rows do not depend on.
_WITHOUT_EFFECT = {"location", "name", "query"}


@dataclass(frozen=True)
class Changes:
    """All changes that go into one table.

    Attributes:
        flows: Where they come from, in the order of their declarations.
    """

    flows: tuple[ChangeFlow, ...]

    def __post_init__(self) -> None:
        """Check that the flows agree on what the table is.

        Raises:
            AuthorError: Two flows differ in an option that holds for the table.
        """
        shared = ("keys", "scd_type", *_NULL_OPTIONS, *_HISTORY_OPTIONS)
        first = self.flows[0]
        for flow in self.flows[1:]:
            for option in shared:
                if getattr(flow, option) != getattr(first, option):
                    problem = (
                        f"{flow.location}: `{option}` of the changes of `{flow.source}` is {getattr(flow, option)!r}; "
                        f"for `{first.source}`, at {first.location}, it is {getattr(first, option)!r}."
                    )
                    raise AuthorError(problem, f"All changes of `{first.target}` have the same `{option}`.")

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that tell keys apart."""
        return self.flows[0].keys

    @property
    def has_history(self) -> bool:
        """Whether the table keeps all versions of a key."""
        return self.flows[0].scd_type == 2  # noqa: PLR2004

    @property
    def ignores_null(self) -> bool:
        """Whether a NULL leaves some column as it was."""
        return any(getattr(self.flows[0], option) not in (None, False) for option in _NULL_OPTIONS)

    @property
    def can_truncate(self) -> bool:
        """Whether a change may delete all keys."""
        return any(flow.apply_as_truncates is not None for flow in self.flows)

    def query(self) -> DataFrame:
        """Return the events of all flows.

        Raises:
            AuthorError: They cannot be ordered, or not together.
        """
        frames = [flow.events() for flow in self.flows]
        first = self.flows[0]
        kind = frames[0].schema[SEQUENCE].dataType
        for flow, frame in zip(self.flows, frames, strict=True):
            found = frame.schema[SEQUENCE].dataType
            if found != kind:
                problem = (
                    f"{flow.location}: the changes of `{flow.source}` are ordered by {found.simpleString()}, those of "
                    f"`{first.source}` by {kind.simpleString()}."
                )
                raise AuthorError(problem, "Cast one of them in its `sequence_by`.")
        return reduce(lambda some, more: some.unionByName(more, allowMissingColumns=True), frames)

    def data_columns(self, names: Iterable[str]) -> list[str]:
        """Return which of an event's columns the table has."""
        return [name for name in names if name not in RESERVED]

    def tracked(self, names: Iterable[str]) -> list[str]:
        """Return the columns whose change begins a new version.

        Raises:
            AuthorError: A list names a column that the table lacks.
        """
        return self._chosen(names, *_HISTORY_OPTIONS)

    def kept_at_null(self, names: Iterable[str]) -> list[str]:
        """Return the columns that a NULL leaves as they were.

        Raises:
            AuthorError: A list names a column that the table lacks.
        """
        if not self.ignores_null:
            return []
        return self._chosen(names, "ignore_null_updates_column_list", "ignore_null_updates_except_column_list")

    def _chosen(self, names: Iterable[str], option: str, except_option: str) -> list[str]:
        """Return the columns beside the keys that a list names, or all but those that another list names."""
        columns, flow = self.data_columns(names), self.flows[0]
        chosen, excepted = getattr(flow, option), getattr(flow, except_option)
        for listed, given in ((option, chosen), (except_option, excepted)):
            for name in given or ():
                if not is_among(name, columns):
                    raise UnknownNameError("column", name, columns, f"{flow.location}, `{listed}` of `{flow.target}`")
        values = [name for name in columns if name not in self.keys]
        if chosen is not None:
            return [name for name in values if is_among(name, chosen)]
        return [name for name in values if not is_among(name, excepted or ())]

    def table_columns(self, events: DataFrame) -> DataFrame:
        """Return an empty frame of events with the table's columns.

        Raises:
            AuthorError: A list names a column that the table lacks.
        """
        from pyspark.sql import functions as F  # noqa: N812, PLC0415 - declarations are loaded without Spark

        self.tracked(events.columns)
        self.kept_at_null(events.columns)
        columns = [F.col(quoted(name)) for name in self.data_columns(events.columns)]
        times = [F.col(SEQUENCE).alias(START), F.col(SEQUENCE).alias(END)] if self.has_history else []
        return events.select(*columns, *times)

    def shape(self, events: DataFrame) -> dict[str, Any]:
        """Return what the stored rows depend on, as JSON: when it changes, the table has to be filled anew."""
        options = [item.name for item in fields(ChangeFlow) if item.name not in _WITHOUT_EFFECT]
        # Without what is not given, so that an option that is new here changes no declaration.
        given = [
            {
                option: str(value)
                for option in options
                if (value := getattr(flow, option)) is not None and value is not False
            }
            for flow in self.flows
        ]
        return {"flows": given, "sequence": events.schema[SEQUENCE].dataType.simpleString()}
