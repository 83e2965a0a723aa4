"""Tumbling windows of event time, recognised in a query's plan."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline.foundation.sql_names import quoted
from pipeline.plans.plan import Tree, plan_of, trees_in

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

UTC = "UTC"
_MICROSECOND = timedelta(microseconds=1)
# Local moments have no place among the stretches of time in which a view is brought up to date.
_MOMENTS = frozenset({"timestamp"})


@dataclass(frozen=True)
class Window:
    """A tumbling window, as the plan has it.

    Attributes:
        column: The source's column of event times.
        width: How long a window lasts.
        offset: How long after 1970-01-01T00:00, in the zone, a window begins, as the query has it.
        name: The view's column that holds a window's start, or its end.
        zone: The time zone whose wall clock the windows follow.
        is_end: Whether the view's column holds the windows' ends.
    """

    column: str
    width: timedelta
    offset: timedelta
    name: str = ""
    zone: str = UTC
    is_end: bool = False

    def time(self) -> Column:
        """Return a row's event time, by the wall clock of the zone."""
        moment = F.col(quoted(self.column))
        return moment if self.zone == UTC else F.from_utc_timestamp(moment, self.zone)

    def built(self) -> Column:
        """Return the window that a row belongs to, by the wall clock of the zone, as Spark builds it."""
        width, offset = (f"{span // _MICROSECOND} microseconds" for span in (self.width, self.offset))
        return F.window(self.time(), width, startTime=offset)

    def is_built_as(self, struct: Tree, column: Tree, frame: DataFrame) -> bool:
        """Return whether Spark builds the very same expression for this window over a column."""
        named = replace(self, column=str(column.fields["name"]))
        empty = frame.sparkSession.createDataFrame([], f"{quoted(named.column)} {column.fields['dataType']}")
        built = plan_of(empty.groupBy(named.built()).count())
        definitions = (one for operator in built.walk() for one in operator.fields.get("projectList", ()))
        return any(shape(one.children[0]) == shape(struct) for one in definitions if one.kind == "Alias")


def window_of(grouping: Tree, below: list[Tree], frame: DataFrame) -> Window | None:
    """Return the tumbling window that a grouping is, or None if it is not proven to be one.

    Args:
        grouping: The expression that an aggregate groups by.
        below: The operators below the aggregate, the topmost first.
        frame: Any frame of the session.
    """
    struct = defined(grouping, below)
    remainder = next((one for one in struct.everything() if one.kind == "Remainder"), None)
    columns = {one.id: one for one in struct.everything() if one.kind == "AttributeReference"}
    if struct.kind != "CreateNamedStruct" or remainder is None or len(columns) != 1:
        return None
    column = next(iter(columns.values()))
    zone = next((_zone(one) for one in struct.everything() if one.kind == "FromUTCTimestamp"), UTC)
    offset, width = _number(remainder.children[0]), _number(remainder.children[1])
    if column.fields["dataType"] not in _MOMENTS or zone is None or offset is None or width is None:
        return None
    window = Window("", timedelta(microseconds=width), timedelta(microseconds=offset), zone=zone)
    # If Spark builds the very same expression for a window, then it is one, whatever it looks like.
    return _over_stored(window, column, below) if window.is_built_as(struct, column, frame) else None


def defined(expression: Tree, below: list[Tree]) -> Tree:
    """Return what a column stands for in the plan below, or the expression itself where it is not a column's name."""
    for operator in below:
        for one in operator.fields.get("projectList", ()):
            if one.kind == "Alias" and one.id == expression.id:
                found: Tree = one.children[0]
                return found
    return expression


def shape(expression: Tree) -> object:
    """Return what makes two expressions the same, but for the frame that their columns are from."""
    # A column's number and qualifier differ from frame to frame; nullability follows from the column's.
    passing = {"qualifier", "resultId", "exprId", "nullable", "metadata"}
    fields = {
        name: value for name, value in expression.fields.items() if name not in passing and not any(trees_in(value))
    }
    return expression.kind, repr(fields), tuple(map(shape, expression.children))


def _over_stored(window: Window, column: Tree, below: list[Tree]) -> Window | None:
    """Return a window over the source's column that a column is, perhaps under another name or in a zone's time."""
    while True:
        found = defined(column, below)
        if found is column:
            return replace(window, column=str(column.fields["name"]))
        if found.kind == "FromUTCTimestamp" and window.zone == UTC and _zone(found) is not None:
            window = replace(window, zone=str(_zone(found)))
            found = found.children[0]
        if found.kind != "AttributeReference":
            return None
        column = found


def _zone(from_utc: Tree) -> str | None:
    zone = from_utc.children[1]
    return str(zone.fields["value"]) if zone.kind == "Literal" else None


def _number(expression: Tree) -> int | None:
    """Return a literal number, or the one that is taken away from something."""
    literal = expression.children[1] if expression.kind == "Subtract" else expression
    return int(literal.fields["value"]) if literal.kind == "Literal" else None
