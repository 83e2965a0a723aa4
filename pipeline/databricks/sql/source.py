"""What a SQL file of a pipeline declares, statement by statement."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from pipeline.databricks.sql.context import Context
from pipeline.databricks.sql.cursor import Cursor
from pipeline.databricks.sql.declarations import changes_into, created_dataset, created_flow
from pipeline.databricks.sql.query import SqlText
from pipeline.databricks.sql.session import Session
from pipeline.databricks.sql.statements import Cell, Statement, cells_of, statements_of
from pipeline.declare.dataset import SourceLocation
from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import DataFrame, SparkSession

    from pipeline.databricks.declared import Declared, Reads

_CREATED = {"TABLE", "VIEW", "FLOW", "FUNCTION"}
_COMES_BY_ITSELF = {"SCHEMA", "DATABASE", "CATALOG", "VOLUME"}
_DECLARES_NOTHING = {"SELECT", "WITH", "VALUES", "FROM", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "("}
_LONGEST_FORM = 6
_NOT_A_DECLARATION = "Keep declarations of tables, views and flows in the pipeline's SQL; run the rest elsewhere."


@dataclass(frozen=True)
class Note:
    """Something in a source that changes nothing here."""

    where: SourceLocation
    text: str


@dataclass
class SqlSource:
    """What a SQL file declares.

    Attributes:
        context: What its statements have set.
        declared: The declarations, in the order of the file.
        notes: What is without effect here.
        refused: The statements that cannot be honoured; all others are read.
    """

    context: Context
    declared: list[Declared] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    refused: list[AuthorError] = field(default_factory=list)


def declared_in(
    text: str,
    file: str,
    first_line: int,
    spark: SparkSession,
    reads: Reads,
    parameters: Mapping[str, str],
    after: SqlSource | None = None,
) -> SqlSource:
    """Return what a SQL file, a notebook or one of its cells declares. No query is run.

    Args:
        text: The file's content; a notebook may be given as Databricks exports it.
        file: The file's path, as messages name it.
        first_line: The line of the file that the text begins on.
        spark: The session that the queries will use.
        reads: What they will read through.
        parameters: The pipeline's configuration: the values of `${name}` and `:name`.
        after: What the cell before it in the same notebook declares; its `SET` and `USE` hold on.
    """
    context = after.context if after else Context(Session(spark), reads, dict(parameters))
    source = SqlSource(context)
    for cell in cells_of(text, first_line):
        try:
            if cell.magic:
                _note_cell(cell, SourceLocation(file, cell.line), source)
            else:
                for statement in statements_of(cell, file):
                    _read(statement, source)
        except AuthorError as error:
            # The rest of the cell cannot be divided into statements.
            source.refused.append(error)
    return source


def rows_of(
    text: str,
    spark: SparkSession,
    reads: Reads,
    arguments: Mapping[str, object] | None = None,
    where: SourceLocation | None = None,
) -> DataFrame:
    """Return the rows of a query's text, whose names are those of the pipeline.

    Args:
        text: The query, as `spark.sql()` gets it.
        spark: The session; its `sql` may be wrapped, if the wrapper names it in `__wrapped__`.
        reads: What it reads through.
        arguments: The values of `:name`.
        where: The place of the call.

    Raises:
        AuthorError: The query is not one that Spark takes, or reads what does not exist.
    """
    sql = SqlText(text, where or SourceLocation("spark.sql()", 1), arguments or {})
    return sql.rows(reads, Session(spark))


def _note_cell(cell: Cell, where: SourceLocation, source: SqlSource) -> None:
    """Note a cell that is not SQL, unless it is text for people."""
    if cell.magic == "run":
        problem = f"{where}: `%run {cell.text}` would put another notebook's definitions here."
        source.refused.append(AuthorError(problem, "Name that notebook under `sources`."))
    elif cell.magic == "pip":
        source.notes.append(Note(where, f"`%pip {cell.text}` is not run"))
    elif not cell.magic.startswith("md"):
        source.notes.append(Note(where, f"the cell of `%{cell.magic}` is not run"))


def _read(statement: Statement, source: SqlSource) -> None:
    try:
        _read_filled(statement.with_parameters(source.context.parameters), source, source.context)
    except AuthorError as error:
        source.refused.append(error)


def _read_filled(statement: Statement, source: SqlSource, context: Context) -> None:
    cursor = Cursor(statement, context.parameters)
    words = [token.word for token in statement.tokens]
    if ("{", "{") in pairwise(words):
        problem = f"{statement.where}: `{{{{ ... }}}}` makes this a template, and not SQL."
        raise AuthorError(problem, "Render it first, and name the result under `sources`.")
    if cursor.accept("CREATE"):
        _create(cursor, statement, source, context)
    elif cursor.accept("AUTO", "CDC", "INTO") or cursor.accept("APPLY", "CHANGES", "INTO"):
        target = context.full_name(cursor.name())
        source.declared.append(changes_into(target, cursor, statement.where, context))
    elif cursor.accept("SET"):
        _set(cursor, statement, source, context)
    elif cursor.accept("USE"):
        _use(cursor, context)
    elif cursor.peek() in _DECLARES_NOTHING:
        source.notes.append(Note(statement.where, f"`{statement.first_words}` declares nothing, and is not run"))
    else:
        raise AuthorError(f"{statement.where}: `{statement.first_words}` is not a declaration.", _NOT_A_DECLARATION)


def _create(cursor: Cursor, statement: Statement, source: SqlSource, context: Context) -> None:
    words: list[str] = []
    while cursor.peek() not in _CREATED | _COMES_BY_ITSELF:
        if cursor.at_end or len(words) > _LONGEST_FORM:
            problem = f"{statement.where}: `{statement.first_words}` is not a declaration."
            raise AuthorError(problem, _NOT_A_DECLARATION)
        words.append(cursor.take().word)
    what = cursor.take().word
    if what in _COMES_BY_ITSELF:
        source.notes.append(Note(statement.where, f"`{statement.first_words}` is not run: folders come with tables"))
    elif what == "FUNCTION":
        problem = f"{statement.where}: functions of Unity Catalog exist on Databricks alone."
        raise AuthorError(problem, "Give a stand-in of that name in the file that `functions` names.")
    elif what == "FLOW":
        source.declared.append(created_flow(cursor, statement.where, context))
    else:
        source.declared += created_dataset(cursor, words, what, statement.where, context)


def _set(cursor: Cursor, statement: Statement, source: SqlSource, context: Context) -> None:
    if cursor.peek() in {"TIME", "VAR", "VARIABLE"}:
        problem = f"{statement.where}: `{statement.first_words}` would change what later statements mean."
        raise AuthorError(problem, "Write the value into the queries that need it; times are in UTC.")
    key = cursor.text_until(lambda: cursor.peek() == "=")
    if cursor.accept("="):
        value = "" if cursor.at_end else cursor.text_until()
        context.parameters[key.strip("`")] = value
        if key.startswith("spark."):
            source.notes.append(Note(statement.where, f"`{key}` is set for `${{{key}}}` only"))


def _use(cursor: Cursor, context: Context) -> None:
    if cursor.accept("CATALOG"):
        cursor.name()
        return
    cursor.accept("SCHEMA") or cursor.accept("DATABASE")
    context.schema = cursor.name()
