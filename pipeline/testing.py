"""The pytest fixture `pipeline_under_test`: a pipeline over rows that a test writes down.

Name this module in the `conftest.py` of a pipeline's tests: `pytest_plugins = ["pipeline.testing"]`.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from pipeline.delta.state_table import append
from pipeline.delta.table import Table
from pipeline.foundation.clock import SystemClock
from pipeline.foundation.errors import AuthorError
from pipeline.home.places import Home
from pipeline.selection import Selection
from pipeline.settings import Settings, load_settings
from pipeline.spark.session import build_session
from pipeline.spark_settings import SparkSettings
from pipeline.update.update import Update

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pyspark.sql import SparkSession

    Row = Mapping[str, Any]

# A handful of rows is one partition's work.
_ONE_PARTITION = {"spark.sql.shuffle.partitions": "1", "spark.databricks.delta.snapshotPartitions": "1"}


@dataclass
class PipelineUnderTest:
    """A pipeline in a home of its own; nothing outside it is read or written.

    Attributes:
        spark: The session, the same for all tests.
        folder: Where the test's files and tables are.
        settings: The pipeline's, with the test's files in the place of those that the settings file names.
    """

    spark: SparkSession
    folder: Path
    settings: Settings
    _files: int = field(default=0)

    @property
    def home(self) -> Home:
        """The home of the pipeline's tables."""
        return Home(self.folder / "home")

    def files(self, path: str, content: Sequence[Row] | str | bytes, name: str = "") -> None:
        """Put a file where the pipeline reads files.

        Args:
            path: The folder as the source names it, such as `/Volumes/main/raw/orders`, or below `landing/`.
            content: Rows, which are written as JSON, or the file's text or bytes.
            name: The file's name; by default each file has a new one, ending in `.json`.
        """
        self._files += 1
        file = self._folder_of(path) / (name or f"{self._files:05}.json")
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str | bytes):
            file.write_bytes(content.encode() if isinstance(content, str) else content)
        else:
            lines = [json.dumps(dict(row), default=str) for row in content]
            file.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def table(self, name: str, rows: Sequence[Row]) -> None:
        """Put rows into the place of a table from outside the pipeline, behind those that it has.

        Args:
            name: The table as the source names it.
            rows: Its rows; their Python types give the columns' types.
        """
        place = self.folder / "tables" / name
        append(place, pa.Table.from_pylist([dict(row) for row in rows]))
        self.settings = self.settings.model_copy(update={"tables": {**self.settings.tables, name: place}})

    def update(self, **selection: Any) -> dict[str, str]:
        """Run an update, and return how each table's flow ended.

        Args:
            **selection: As for `run`: `refresh`, `full_refresh`, `full_refresh_all`.

        Raises:
            LakehouseError: A flow failed; this is the first error.
        """
        update = Update(self.home, self.settings, SystemClock(), lambda: self.spark, cause="TEST")
        result = update.run(Selection(**selection))
        for error in result.errors.values():
            raise error
        return dict(result.statuses)

    def rows(self, table: str, *columns: str) -> list[dict[str, Any]]:
        """Return a table's rows, or some columns of them, ordered by their text."""
        schema, _, name = table.rpartition(".")
        stored = Table(self.home.table(schema or self.settings.target_schema, name).data)
        if not stored.exists:
            return []
        found: list[dict[str, Any]] = stored.rows(list(columns) or None).to_pylist()
        return sorted(found, key=str)

    def _folder_of(self, path: str) -> Path:
        if not self.settings.sources:
            return self.home.landing_of(path)
        known = next((one for one in self.settings.paths if one.rstrip("/") == path.rstrip("/")), path)
        if known not in self.settings.paths:
            # Of several beginnings of a path the longest counts.
            folder = self.folder / "files" / path.replace(":", "").strip("/")
            self.settings = self.settings.model_copy(update={"paths": {**self.settings.paths, path: folder}})
        return self.settings.paths[known]


@dataclass(frozen=True)
class _Factory:
    spark: SparkSession
    folder: Path

    def __call__(self, settings_file: str | Path, **configuration: str) -> PipelineUnderTest:
        """Return the pipeline of a settings file.

        Args:
            settings_file: The file.
            **configuration: Parameters in the place of those of the settings; dots are written as two underscores.
        """
        settings = load_settings(Path(settings_file))
        named = {name.replace("__", "."): value for name, value in configuration.items()}
        emptied = {path: self.folder / "files" / str(number) for number, path in enumerate(settings.paths)}
        changes: dict[str, Any] = {
            "paths": emptied,
            "tables": {},
            "configuration": {**settings.configuration, **named},
            "table_expectations": "on_request",
        }
        return PipelineUnderTest(self.spark, self.folder, settings.model_copy(update=changes))


@pytest.fixture(scope="session")
def pipeline_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A Spark session for all tests of pipelines; it takes seconds to start, once."""
    if os.environ.get("TZ", "UTC") != "UTC":
        raise AuthorError(f"The tests run with TZ={os.environ['TZ']}.", "Set TZ=UTC: pipelines run in UTC.")
    session = build_session(Home(tmp_path_factory.mktemp("session")), SparkSettings(configuration=_ONE_PARTITION))
    yield session
    session.stop()


@pytest.fixture
def pipeline_under_test(pipeline_session: SparkSession, tmp_path: Path) -> _Factory:
    """Called with a settings file, returns that pipeline over the test's own rows."""
    return _Factory(pipeline_session, tmp_path)
