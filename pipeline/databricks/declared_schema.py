"""Columns that a declaration gives its table: the query has to return them, and others are computed from them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere
from pyspark.sql.types import ByteType, DataType, DoubleType, FloatType, IntegerType, LongType, ShortType, StructType

from pipeline.databricks.declared import DeclaredChanges, DeclaredDataset, DeclaredExpectation, DeclaredFlow
from pipeline.databricks.sql.column import ColumnDefinition
from pipeline.databricks.sql.cursor import Cursor
from pipeline.databricks.sql.head import read_head
from pipeline.databricks.sql.statements import Cell, statements_of
from pipeline.foundation.errors import AuthorError
from pipeline.foundation.sql_names import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame

    from pipeline.databricks.declared import Declared
    from pipeline.databricks.names import Names
    from pipeline.declare.dataset import Query, SourceLocation

# Each of these holds every value of those before it; a float holds no long.
_WIDER = (
    (ByteType, ShortType, IntegerType, LongType),
    (ByteType, ShortType, IntegerType, DoubleType),
    (FloatType, DoubleType),
)


def with_schemas(declared: Sequence[Declared], names: Names) -> list[Declared]:
    """Return declarations whose queries give the columns that they declare.

    Those of a table that changes or snapshots fill stay as they are: its keys and versions decide what it has.
    """
    changed = {_full(names, item.target) for item in declared if isinstance(item, DeclaredChanges)}
    schemas = {
        _full(names, item.name): _Schema(item.name, item.schema, item.where)
        for item in declared
        if isinstance(item, DeclaredDataset) and item.schema is not None and _full(names, item.name) not in changed
    }
    return [_with_schema(item, schemas, names) for item in declared]


def _with_schema(item: Declared, schemas: dict[str, _Schema], names: Names) -> Declared:
    if isinstance(item, DeclaredFlow):
        schema = schemas.get(_full(names, item.target))
        return item if schema is None else replace(item, query=_Shaped(item.query, schema))
    if not isinstance(item, DeclaredDataset) or (schema := schemas.get(_full(names, item.name))) is None:
        return item
    query = None if item.query is None else _Shaped(item.query, schema)
    present = [
        DeclaredExpectation(f"{column.name} is not null", f"{quoted(column.name)} IS NOT NULL", "fail")
        for column in schema.columns
        if column.not_null
    ]
    return replace(item, schema=None, query=query, expectations=(*item.expectations, *present))


def _full(names: Names, written: str) -> str:
    """Return a name with its catalog and schema; one that is not a name, as written: it is refused later."""
    try:
        return names.full(written)
    except AuthorError:
        return written


@dataclass(frozen=True)
class _Schema:
    """The columns of a table as they are declared."""

    table: str
    written: str | StructType
    where: SourceLocation

    @cached_property
    def columns(self) -> list[ColumnDefinition]:
        """The columns, in their order."""
        if isinstance(self.written, StructType):
            fields = self.written.fields
            return [ColumnDefinition(one.name, one.dataType.simpleString(), not one.nullable) for one in fields]
        cell = Cell(f"({self.written})", self.where.line)
        (statement,) = statements_of(cell, self.where.file)
        head = read_head(Cursor(statement), self.table)
        for problem, remedy in head.refused:
            raise AuthorError(f"{self.where}: `{self.table}`: {problem}", remedy)
        return head.columns


@dataclass(frozen=True)
class _Shaped:
    """A query that gives declared columns."""

    query: Query
    schema: _Schema

    def __call__(self) -> DataFrame:
        """Return the query's rows in the declared columns.

        Raises:
            AuthorError: It returns a column that is not declared, or one of another type.
        """
        frame: Any = self.query()
        if not hasattr(frame, "schema"):
            return frame  # type: ignore[no-any-return] # the resolver says what is wrong with it
        columns = self.schema.columns
        if [(field.name, field.dataType) for field in frame.schema] == [
            (column.name, DataType.fromDDL(column.type)) for column in columns
        ]:
            return frame  # type: ignore[no-any-return] # a frame
        returned = {field.name.lower(): field for field in frame.schema}
        extra = [returned[name].name for name in returned.keys() - {column.name.lower() for column in columns}]
        if extra:
            problem = f"{self.schema.where}: `{self.schema.table}` declares its columns, and its query also returns"
            raise AuthorError(f"{problem} {', '.join(sorted(extra))}.", "Declare them too, or leave them out.")
        found: dict[str, Column] = {}
        for column in columns:
            field = returned.get(column.name.lower())
            if field is not None:
                found[column.name] = self._as_declared(column, field.name, field.dataType)
            elif not column.generated:
                found[column.name] = F.lit(None).cast(DataType.fromDDL(column.type))
        frame = frame.select(*(value.alias(name) for name, value in found.items()))
        for column in columns:
            if column.name not in found:
                frame = frame.withColumn(column.name, F.expr(column.generated).cast(DataType.fromDDL(column.type)))
        rows: DataFrame = frame.select(*(F.col(quoted(column.name)) for column in columns))
        return rows

    def _as_declared(self, column: ColumnDefinition, name: str, kind: DataType) -> Column:
        value, declared = F.col(quoted(name)), DataType.fromDDL(column.type)
        if declared.simpleString() == kind.simpleString():
            return value
        if any(type(kind) in line and type(declared) in line[line.index(type(kind)) :] for line in _WIDER):
            return value.cast(declared)
        problem = f"{self.schema.where}: `{self.schema.table}` declares `{column.name}` as {declared.simpleString()}"
        raise AuthorError(
            f"{problem}, and its query returns {kind.simpleString()}.",
            "Cast it in the query, or declare the type that it has.",
        )
