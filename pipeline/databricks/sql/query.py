"""A query in SQL as a function that returns its rows: Spark's own, over views of what it reads."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise, zip_longest
from typing import TYPE_CHECKING, Any

from pyspark.errors import AnalysisException, ParseException

from pipeline.databricks.sql.arguments import with_arguments
from pipeline.databricks.sql.file_arguments import file_arguments
from pipeline.databricks.sql.relations import FILE_FORMATS, READING_FUNCTIONS, Relation, relations_of
from pipeline.databricks.sql.rewriting import Replaced, rewritten, view_name
from pipeline.databricks.sql.tokens import tokens_of
from pipeline.declare.dataset import SourceLocation
from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pyspark.sql import DataFrame

    from pipeline.databricks.declared import Reads
    from pipeline.databricks.sql.session import Session
    from pipeline.databricks.sql.tokens import Token

# Spark takes these behind `WITH` and `FROM` too.
_WRITES = {("INSERT", "INTO"), ("INSERT", "OVERWRITE")}
_UNKNOWN_FUNCTION = "UNRESOLVED_ROUTINE"
_METADATA = "_metadata"
_LINE = re.compile(r"\bline (\d+),? pos \d+")
_HAS_PLACE = re.compile(r"[^`]+:\d+: ")


@dataclass(frozen=True)
class SqlQuery:
    """A declared query: called, it returns its rows."""

    sql: SqlText
    session: Session = field(compare=False, repr=False)
    reads: Reads = field(compare=False, repr=False)

    def __call__(self) -> DataFrame:
        """Return the query's rows."""
        return self.sql.rows(self.reads, self.session)


@dataclass(frozen=True)
class SqlText:
    """A query as its author wrote it.

    Attributes:
        text: The query, with the pipeline's parameters put in.
        where: The file and the line that it begins on.
        arguments: The values of `:name`.
        schema: What comes before names of one part; empty where the pipeline's own schema does.
        views: The temporary views that the file declares; they lie in no schema. In lower case.
        columns: The names that the columns get, in their order; empty where they keep their own.
    """

    text: str
    where: SourceLocation
    arguments: Mapping[str, Any] = field(default_factory=dict)
    schema: str = ""
    views: frozenset[str] = frozenset()
    columns: tuple[str, ...] = ()

    def rows(self, reads: Reads, session: Session) -> DataFrame:
        """Return the query's rows.

        Raises:
            AuthorError: The query is not one that Spark takes, or reads what does not exist.
        """
        text = with_arguments(self.text, self.arguments)
        tokens = tokens_of(text, self.where.file, self.where.line)
        written = next((one for one, after in pairwise(tokens) if (one.word, after.word) in _WRITES), None)
        if written is not None:
            problem = f"{self.where.file}:{written.line}: `INSERT` in a query would write beside the pipeline."
            raise AuthorError(problem, "Declare a table with this query, or a flow.")
        hidden = _METADATA if any(token.value == _METADATA for token in tokens if token.is_name) else ""
        frames: dict[str, DataFrame] = {}
        replaced: list[Replaced] = []
        for relation in relations_of(tokens):
            name = self._name(relation)
            if name and "." not in name and session.has_view(name):
                continue
            view = view_name(len(frames))
            with _placed(SourceLocation(self.where.file, relation.line)):
                frame = self._read(relation, name, reads, session)
            of_files = not name or _is_path(relation)
            if hidden and of_files:
                # A view has no hidden columns of what it reads.
                frame = frame.select("*", hidden)
            frames[view] = frame
            parts = relation.parts if relation.arguments is None else _parts(name)
            replaced.append(Replaced(relation, view, parts, hidden if of_files else ""))
        text = rewritten(text, tokens, replaced)
        try:
            with session.views(frames):
                rows = session.sql(text)
        except (AnalysisException, ParseException) as error:
            raise self._explained(error, text) from error
        return self._named(rows, without=hidden if not _names_alone(tokens) else "")

    def _named(self, frame: DataFrame, *, without: str) -> DataFrame:
        frame = frame.drop(without) if without else frame
        if not self.columns:
            return frame
        if len(self.columns) != len(frame.columns):
            problem = f"{self.where}: {len(self.columns)} columns are declared, and the query has {len(frame.columns)}."
            raise AuthorError(problem, f"Declare these: {', '.join(frame.columns)}.")
        return frame.toDF(*self.columns)

    def _name(self, relation: Relation) -> str:
        """Return the name that a relation has for the pipeline; nothing for files."""
        if relation.parts == ("identifier",) and relation.arguments is not None:
            return _constant(relation, self)
        return "" if relation.arguments is not None else relation.name

    def _read(self, relation: Relation, name: str, reads: Reads, session: Session) -> DataFrame:
        place = SourceLocation(self.where.file, relation.line)
        if relation.arguments is not None and relation.parts[0] in READING_FUNCTIONS:
            function = relation.parts[0]
            found = file_arguments(function, relation.arguments, place, session.value)
            as_stream = relation.is_streaming or function == "cloud_files"
            return reads.files(found.path, found.options, as_stream=as_stream, schema=found.schema)
        if _is_path(relation):
            parts = relation.parts
            return reads.files(parts[1], {"format": parts[0].lower()}, as_stream=relation.is_streaming)
        if self.schema and "." not in name and name.lower() not in self.views:
            name = f"{self.schema}.{name}"
        return reads.table(name, as_stream=relation.is_streaming)

    def _explained(self, error: AnalysisException | ParseException, text: str) -> AuthorError:
        contexts = [context for context in error.getQueryContext() if context.fragment()]
        # A text that cannot be parsed has no context, and its message names the line.
        named = _LINE.search(str(error))
        line = text.count("\n", 0, contexts[0].startIndex()) if contexts else int(named[1]) - 1 if named else 0
        place = SourceLocation(self.where.file, self.where.line + line)
        if (error.getCondition() or "").startswith(_UNKNOWN_FUNCTION):
            routine = (error.getMessageParameters() or {}).get("routineName", "").replace("`", "")
            problem = f"{place}: Spark has no function `{routine}`."
            remedy = "If it exists on Databricks alone, name a file with a stand-in of that name under `functions`."
            return AuthorError(problem, remedy)
        first_line = str(error).strip().split("\n", 1)[0].split(" SQLSTATE:", 1)[0].rstrip("; ")
        return AuthorError(f"{place}: {first_line}", "Correct the query; `python -m pipeline dry-run` tries it.")


@contextmanager
def _placed(place: SourceLocation) -> Iterator[None]:
    """Put errors inside the block at a place, unless they name one already."""
    try:
        yield
    except AuthorError as error:
        if not _HAS_PLACE.match(error.problem):
            error.put_at(place)
        raise


def _is_path(relation: Relation) -> bool:
    """Return whether Spark would read a relation such as json.`/folder` as files."""
    parts = relation.parts
    is_pair = relation.arguments is None and len(parts) == 2  # noqa: PLR2004 - a format and a path
    return is_pair and parts[0].lower() in FILE_FORMATS and "/" in parts[1]


def _parts(name: str) -> tuple[str, ...]:
    return tuple(token.value for token in tokens_of(name, "") if token.is_name)


def _names_alone(tokens: Sequence[Token]) -> bool:
    """Return whether a query wants the whole `_metadata`, and not only what is in it."""
    return any(
        token.is_name and token.value == _METADATA and (after is None or after.word != ".")
        for token, after in zip_longest(tokens, tokens[1:])
        if token is not None
    )


def _constant(relation: Relation, query: SqlText) -> str:
    from pipeline.databricks.sql.cursor import Cursor  # noqa: PLC0415
    from pipeline.databricks.sql.statements import Statement  # noqa: PLC0415

    assert relation.arguments is not None
    statement = Statement(query.text, query.where.file, relation.arguments)
    name = Cursor(statement, query.arguments).constant()
    return name[5:] if name[:5].upper() == "LIVE." else name
