"""What the statements of one SQL file share: its settings so far, and how its queries will read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.databricks.sql.query import SqlQuery, SqlText
from pipeline.databricks.sql.relations import relations_of
from pipeline.databricks.sql.tokens import dotted, tokens_of
from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from pipeline.databricks.declared import Reads
    from pipeline.databricks.sql.cursor import Cursor
    from pipeline.databricks.sql.session import Session
    from pipeline.declare.dataset import SourceLocation

_ANYTHING_FROM = "SELECT * FROM "
_BEGINS_DECLARATION = {"OR", "LIVE", "STREAMING", "MATERIALIZED", "TEMPORARY", "PRIVATE", "INCREMENTAL", "FLOW"}


@dataclass
class Context:
    """The state of a file between two statements.

    Attributes:
        parameters: The values of `${name}` and `:name`, with those that the file has set.
        schema: What `USE` puts before names of one part: `schema` or `catalog.schema`; empty before the first `USE`.
        views: The temporary views that the file has declared, in lower case.
    """

    session: Session
    reads: Reads
    parameters: dict[str, str]
    schema: str = ""
    views: frozenset[str] = frozenset()

    def full_name(self, name: str) -> str:
        """Return a table's name with the schema that the file uses."""
        return f"{self.schema}.{name}" if self.schema and "." not in name else name

    def query(self, cursor: Cursor, columns: tuple[str, ...] = ()) -> SqlQuery:
        """Return the rest of a statement as a query.

        Args:
            cursor: Stands before the query.
            columns: The names that its columns get, in their order; empty where they keep their own.

        Raises:
            AuthorError: There is no query, or the semicolon behind it is missing.
        """
        where = cursor.where
        text = cursor.text_until(lambda: cursor.peek() == "CREATE" and cursor.peek(1) in _BEGINS_DECLARATION)
        if not cursor.at_end:
            problem = f"{cursor.where}: a declaration begins within the query of the one before."
            raise AuthorError(problem, "End the query before it with `;`.")
        return self._query(text, where, columns)

    def source(self, text: str, where: SourceLocation) -> str | SqlQuery:
        """Return the name in a relation such as `STREAM(LIVE.orders)`, or a query of all that the relation has."""
        tokens = tokens_of(text, where.file, where.line)
        relations = relations_of(tokens_of(_ANYTHING_FROM + text, where.file, where.line))
        if len(relations) == 1 and relations[0].arguments is None:
            relation = relations[0]
            if relation.end - relation.start == len(text) and tokens:
                parts = relation.parts[1:] if relation.parts[0].upper() == "LIVE" else relation.parts
                return self._read_name(dotted(parts))
        return self._query(_ANYTHING_FROM + text, where, ())

    def _read_name(self, name: str) -> str:
        return name if name.lower() in self.views else self.full_name(name)

    def _query(self, text: str, where: SourceLocation, columns: tuple[str, ...]) -> SqlQuery:
        sql = SqlText(text, where, dict(self.parameters), self.schema, self.views, columns)
        return SqlQuery(sql, self.session, self.reads)
