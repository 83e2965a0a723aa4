"""What a pipeline declares, as far as it is known without Spark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.declare.load import load_declarations
from pipeline.declare.reading import Reader, reading
from pipeline.declare.stored import StoredDataset, stored_graph

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pipeline.declare.dataset import Dataset
    from pipeline.declare.files_source import FilesSource
    from pipeline.home.places import Home
    from pipeline.settings import Settings


def declared_datasets(home: Home, settings: Settings) -> list[StoredDataset]:
    """Return the declared datasets; those of source for Databricks as the last update has found them.

    Raises:
        AuthorError: The module of declarations does not run.
    """
    if settings.sources:
        return stored_graph(home.schema(settings.target_schema).graph)
    return [
        StoredDataset(
            each.name, each.kind, str(each.location), each.quarantine, each.expectations, _files_of(each)
        )
        for each in load_declarations(settings.source).datasets.values()
    ]  # fmt: skip


def file_sources(home: Home, settings: Settings) -> list[tuple[str, FilesSource]]:
    """Return the names of the tables that read files, with what they read, without starting Spark."""
    return [(each.name, each.files) for each in declared_datasets(home, settings) if each.files is not None]


def _files_of(dataset: Dataset) -> FilesSource | None:
    finder = _Finder()
    try:
        with reading(finder):
            dataset.query()
    except _FoundError:
        pass
    return finder.source


class _FoundError(Exception):
    """Ends a query once its source is known."""


class _Finder(Reader):
    """Notes the files that a query reads, and runs no query further than its first read."""

    def __init__(self) -> None:
        self.source: FilesSource | None = None

    def files(self, source: FilesSource) -> DataFrame:
        self.source = source
        raise _FoundError

    def stream(self, name: str) -> DataFrame:
        raise _FoundError(name)

    def snapshot(self, name: str) -> DataFrame:
        raise _FoundError(name)

    def quarantine(self, name: str) -> DataFrame:
        raise _FoundError(name)
