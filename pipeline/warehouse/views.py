"""The views beside the tables: one SQL file each, created once the tables that they read exist."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.foundation.errors import AuthorError
from pipeline.warehouse.read_only import files_database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pyspark.sql import SparkSession
    from pyspark.sql.types import StructType

_FOLDER = Path(__file__).parent / "views"
_HEADER = re.compile(r"^-- (from|later): *(.+)$", re.MULTILINE)
_EVERY_FILE = "every file"


@dataclass(frozen=True)
class View:
    """A view's file.

    Its first line says what a row is. `-- from: TABLE` names the table that it reads, and `-- from: every file` means
    the file records of all tables. `-- later: COLUMN TYPE` names a column that is NULL until the table has it.
    `{columns}` is replaced by the table's columns and the later ones, `{source}` by the table.
    """

    name: str
    text: str
    comment: str
    source: str
    later: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path) -> View:
        """Return the view that a file describes.

        Raises:
            AuthorError: The file does not name one table that the view reads.
        """
        text = file.read_text(encoding="utf-8")
        facts = _HEADER.findall(text)
        sources = [value.strip() for key, value in facts if key == "from"]
        if len(sources) != 1:
            problem = f"The view {file} must name the one table it reads; got {len(sources)} lines `-- from:`."
            raise AuthorError(problem, "Write one line `-- from: TABLE`.")
        later = dict(value.split(maxsplit=1) for key, value in facts if key == "later")
        comment = text.splitlines()[0].removeprefix("--").strip()
        return cls(file.stem, text, comment, sources[0], later)

    def query(self, source: str, columns: list[str]) -> str:
        """Return the view's query over a source with these columns."""
        listed = [f"`{column}`" for column in columns]
        listed += [f"CAST(NULL AS {sql}) AS `{name}`" for name, sql in self.later.items() if name not in columns]
        return self.text.replace("{columns}", ", ".join(listed)).replace("{source}", source)


def load_views(settings_file: Path) -> list[View]:
    """Return the engine's views and the pipeline's, from the folder `<settings file>_views` beside its settings."""
    own = settings_file.with_name(f"{settings_file.stem}_views")
    return [View.read(file) for folder in (_FOLDER, own) for file in sorted(folder.glob("*.sql"))]


class Views:
    """The views of a database, each of which is recreated whenever the columns of its source change."""

    def __init__(self, spark: SparkSession, schema: str, views: list[View]) -> None:
        self._spark = spark
        self._schema = schema
        self._views = views
        self._made: dict[str, tuple[str, str]] = {}

    def due(
        self, tables: Mapping[str, StructType], files: Mapping[str, StructType]
    ) -> Iterator[tuple[str, Callable[[], None]]]:
        """Yield the names of the views to create or drop for the registered tables, each with the work to do."""
        for view in self._views:
            wanted = None if view.name in tables else self._wanted(view, tables, files)
            if wanted is None:
                if view.name in self._made:
                    yield view.name, partial(self._drop, view)
            elif self._made.get(view.name) != wanted:
                yield view.name, partial(self._make, view, wanted)

    def _wanted(
        self, view: View, tables: Mapping[str, StructType], files: Mapping[str, StructType]
    ) -> tuple[str, str] | None:
        """Return a view's query with the types that it was written for, or None while its source does not exist."""
        if view.source == _EVERY_FILE:
            records = [
                f"SELECT '{name}' AS table_name, * FROM `{files_database(self._schema)}`.`{name}`"  # noqa: S608
                for name in sorted(files)
            ]
            types = str([files[name].simpleString() for name in sorted(files)])
            return (view.query(" UNION ALL ".join(records), []), types) if records else None
        columns = tables.get(view.source)
        return None if columns is None else (view.query(view.source, columns.names), columns.simpleString())

    def _make(self, view: View, wanted: tuple[str, str]) -> None:
        comment = view.comment.replace("\\", "\\\\").replace("'", "\\'")
        name = f"`{self._schema}`.`{view.name}`"
        self._spark.sql(f"CREATE OR REPLACE VIEW {name} COMMENT '{comment}' AS {wanted[0]}")
        self._made[view.name] = wanted

    def _drop(self, view: View) -> None:
        # A table of that name may have replaced the view.
        catalog = self._spark._jsparkSession.sharedState().externalCatalog()  # noqa: SLF001
        if catalog.tableExists(self._schema, view.name):
            table = catalog.getTable(self._schema, view.name)
            if table.tableType().name() == "VIEW":
                catalog.dropTable(self._schema, view.name, True, False)
        del self._made[view.name]
