"""Loads a pipeline's source files, and makes the engine's declarations of what they declare."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pipeline.databricks.api import Module
from pipeline.databricks.dbutils import DbUtils, Files, Secrets, Widgets
from pipeline.databricks.declared_schema import with_schemas
from pipeline.databricks.explaining import explained, first_line_of
from pipeline.databricks.handles import Handles
from pipeline.databricks.names import Names
from pipeline.databricks.notebooks import SOURCE_ENDINGS, read_source
from pipeline.databricks.patching import patch_readers
from pipeline.databricks.places import Places
from pipeline.databricks.reads import SourceReads
from pipeline.databricks.registering import registry_of
from pipeline.databricks.running import Running, line_of_error
from pipeline.databricks.session import SessionConfiguration
from pipeline.databricks.sql.source import declared_in
from pipeline.databricks.stand_ins import register_stand_ins
from pipeline.foundation.errors import AuthorError, NoDataError

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from pipeline.databricks.notebooks import SourceCell, SourceFile
    from pipeline.databricks.sql.source import SqlSource
    from pipeline.declare.dataset import Registry
    from pipeline.settings import Settings

_MAIN = "__main__"
_VARIABLE = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True)
class Loaded:
    """A pipeline's source, loaded.

    Attributes:
        registry: The engine's declarations.
        notes: What is read and changes nothing here, with the place of each.
        configuration: What was set on the session for the source.
    """

    registry: Registry
    notes: list[str] = field(default_factory=list)
    configuration: SessionConfiguration | None = None

    def close(self) -> None:
        """Give the session back as it was."""
        if self.configuration is not None:
            self.configuration.restore()


def source_files(settings: Settings) -> list[Path]:
    """Return the files that the settings' `sources` name, each once, in the order of the patterns.

    Raises:
        AuthorError: A pattern names no file of a kind that can be read.
    """
    folder = settings.file.parent
    found: dict[Path, None] = {}
    for pattern in settings.sources:
        named = folder / pattern
        matches = sorted(named.rglob("*")) if named.is_dir() else sorted(folder.glob(pattern))
        if pattern.endswith("**"):
            matches = sorted({*matches, *folder.glob(f"{pattern}/*")})
        files = [file for file in matches if file.is_file() and file.suffix in SOURCE_ENDINGS]
        if not files:
            problem = f"{settings.file}: `sources` has `{pattern}`, and no .py, .sql or .ipynb file matches it."
            raise AuthorError(problem, "Patterns are relative to the settings file, such as `transformations/**`.")
        found |= dict.fromkeys(files)
    return list(found)


def load_source(spark: SparkSession, settings: Settings, *, needs_data: bool = True) -> Loaded:
    """Return what a pipeline's source declares.

    Args:
        spark: The session; the settings' `configuration` is set on it.
        settings: The pipeline's.
        needs_data: Whether it is an error that what a file reads while it declares is not there yet. If not, the rest
            of that file is noted as unchecked.

    Raises:
        AuthorError: A file cannot be run, or asks for something that cannot be honoured.
    """
    patch_readers()
    loader = _Loader(spark, settings, source_files(settings))
    configuration = SessionConfiguration(spark, settings.configuration)
    try:
        configuration.apply()
        if settings.functions is not None:
            register_stand_ins(spark, settings.functions)
        loader.load(needs_data=needs_data)
        registry, notes = loader.declarations()
    except BaseException:
        configuration.restore()
        raise
    return Loaded(registry, notes, configuration)


class _Loader:
    """Runs the files of one pipeline."""

    def __init__(self, spark: SparkSession, settings: Settings, files: list[Path]) -> None:
        self._spark = spark
        self._settings = settings
        self._sources = [read_source(file) for file in files]
        self._names = Names(settings.catalog, settings.target_schema)
        places = Places(settings.file.parent, settings.paths, settings.tables)
        self._reads = SourceReads(spark, self._names, places)
        names = {str(file) for file in files}
        self._module = Module(self._reads, names)
        secrets = {name: _VARIABLE.sub(_from_environment, value) for name, value in settings.secrets.items()}
        self._handles = Handles(spark, DbUtils(Secrets(secrets), Widgets(settings.configuration, {}), Files(places)))
        modules = {name: self._module.as_module(name) for name in ("dlt", "pyspark.pipelines")}
        modules |= self._handles.modules()
        self._running = Running(self._reads, modules, _folders(files, settings.file.parent), names)
        self._notes: list[str] = []
        self._stopped: NoDataError | None = None

    def load(self, *, needs_data: bool) -> None:
        """Run every file.

        Raises:
            AuthorError: A file cannot be run.
        """
        with self._running.active():
            for source in self._sources:
                self._notes += [f"{where}: `{text}` is not run" for where, text in source.not_run]
                try:
                    self._run(source)
                except NoDataError as error:
                    if needs_data:
                        raise
                    self._stopped = self._stopped or error
                    self._notes.append(f"{error.problem} The rest of {source.path.name} is not checked.")

    def declarations(self) -> tuple[Registry, list[str]]:
        """Return what the files have declared, and what in them changes nothing here.

        Raises:
            AuthorError: A declaration cannot be honoured.
            NoDataError: The same, and it may be missing in a file whose data is missing.
        """
        try:
            declared = with_schemas(self._module.declared(), self._names)
            registry, notes = registry_of(declared, self._names, self._running, self._settings)
        except AuthorError:
            if self._stopped is not None:
                raise self._stopped from None
            raise
        return registry, [*self._notes, *notes]

    def _run(self, source: SourceFile) -> None:
        # As on Databricks each file is the main program, also for its classes, which look up their module by name.
        module = ModuleType(_MAIN)
        module.__dict__.update({"__file__": str(source.path), **self._handles.names()})
        before, sys.modules[_MAIN] = sys.modules[_MAIN], module
        try:
            self._run_cells(source, module.__dict__)
        finally:
            sys.modules[_MAIN] = before

    def _run_cells(self, source: SourceFile, namespace: dict[str, Any]) -> None:
        statements: SqlSource | None = None
        for cell in source.cells:
            try:
                if cell.language == "sql":
                    statements = self._declare_sql(cell, source.path, statements)
                else:
                    code = compile("\n" * (cell.first_line - 1) + cell.text, str(source.path), "exec")
                    exec(code, namespace)  # noqa: S102 - the author's own source
            except AuthorError:
                raise
            except Exception as error:
                raise self._explained(error, source.path) from error

    def _declare_sql(self, cell: SourceCell, path: Path, before: SqlSource | None) -> SqlSource:
        configuration = self._settings.configuration
        found = declared_in(cell.text, str(path), cell.first_line, self._spark, self._reads, configuration, before)
        if found.refused:
            *others, last = found.refused
            raise AuthorError("\n".join([*map(str, others), last.problem]), last.remedy)
        self._notes += [f"{note.where}: {note.text}" for note in found.notes]
        for declaration in found.declared:
            self._module.add(declaration)
        return found

    def _explained(self, error: Exception, path: Path) -> AuthorError:
        where = line_of_error(error, self._running.files) or path
        problem = f"{where}: {type(error).__name__}: {first_line_of(error)}"
        known = explained(error, where, self._running)
        return known or AuthorError(problem, "Correct it; `python -m pipeline dry-run` tries it.")


def _folders(files: list[Path], top: Path) -> list[Path]:
    """Return the folders whose modules a source may import: those of its files, and all above up to the settings'."""
    above = [folder for file in files for folder in file.parents if folder.is_relative_to(top)]
    return list(dict.fromkeys([*(file.parent for file in files), *above, top]))


def _from_environment(match: re.Match[str]) -> str:
    try:
        return os.environ[match[1]]
    except KeyError:
        problem = f"The settings' `secrets` use the variable {match[1]}, which the environment does not set."
        raise AuthorError(problem, f"Set {match[1]} before the command.") from None
