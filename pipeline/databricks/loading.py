"""Loads a pipeline's source files, and makes the engine's declarations of what they declare."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pyspark.errors import PySparkException

from pipeline.databricks.api import Module
from pipeline.databricks.dbutils import DbUtils, Files, Secrets, Widgets
from pipeline.databricks.names import Names
from pipeline.databricks.notebooks import read_source
from pipeline.databricks.patching import patch_readers
from pipeline.databricks.places import Places
from pipeline.databricks.reads import SourceReads
from pipeline.databricks.registering import registry_of
from pipeline.databricks.running import Running, line_of_error
from pipeline.databricks.session import SessionConfiguration
from pipeline.databricks.sql.source import declared_in
from pipeline.databricks.stand_ins import register_stand_ins
from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from pipeline.databricks.notebooks import SourceCell, SourceFile
    from pipeline.databricks.sql.source import SqlSource
    from pipeline.declare.dataset import Registry
    from pipeline.settings import Settings

_ENDINGS = {".py", ".sql", ".ipynb"}
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_UNKNOWN_PARAMETER = "SQL_CONF_NOT_FOUND"


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
        files = [file for file in matches if file.is_file() and file.suffix in _ENDINGS]
        if not files:
            problem = f"{settings.file}: `sources` has `{pattern}`, and no .py, .sql or .ipynb file matches it."
            raise AuthorError(problem, "Patterns are relative to the settings file, such as `transformations/**`.")
        found |= dict.fromkeys(files)
    return list(found)


def load_source(spark: SparkSession, settings: Settings) -> Loaded:
    """Return what a pipeline's source declares.

    Args:
        spark: The session; the settings' `configuration` is set on it.
        settings: The pipeline's.

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
        loader.load()
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
        folders = list(dict.fromkeys([*(file.parent for file in files), settings.file.parent]))
        names = {str(file) for file in files}
        self._module = Module(self._reads, names)
        modules = {name: self._module.as_module(name) for name in ("dlt", "pyspark.pipelines")}
        self._running = Running(self._reads, modules, folders, names)
        secrets = {name: _VARIABLE.sub(_from_environment, value) for name, value in settings.secrets.items()}
        self._globals = {
            "spark": spark,
            "dbutils": DbUtils(Secrets(secrets), Widgets(settings.configuration, {}), Files(places)),
            "display": lambda *_, **__: None,
            "displayHTML": lambda *_, **__: None,
        }
        self._notes: list[str] = []

    def load(self) -> None:
        """Run every file.

        Raises:
            AuthorError: A file cannot be run.
        """
        with self._running.active():
            for source in self._sources:
                self._notes += [f"{where}: `{text}` is not run" for where, text in source.not_run]
                self._run(source)

    def declarations(self) -> tuple[Registry, list[str]]:
        """Return what the files have declared, and what in them changes nothing here."""
        registry, notes = registry_of(self._module.declared(), self._names, self._running, self._settings)
        return registry, [*self._notes, *notes]

    def _run(self, source: SourceFile) -> None:
        namespace: dict[str, Any] = {"__name__": source.path.stem, "__file__": str(source.path), **self._globals}
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
        first_line = str(error).splitlines()[0] if str(error) else ""
        if isinstance(error, PySparkException) and _UNKNOWN_PARAMETER in str(error.getCondition()):
            key = (error.getMessageParameters() or {}).get("sqlConf", "").strip('"`')
            problem = f"{where}: the parameter `{key}` has no value."
            return AuthorError(problem, f"Write `configuration: {{{key}: …}}` in the settings.")
        if isinstance(error, ModuleNotFoundError):
            problem = f"{where}: there is no module `{error.name}` here."
            return AuthorError(problem, f"Install it beside the engine (`%pip` is not run): pip install {error.name}.")
        problem = f"{where}: {type(error).__name__}: {first_line}"
        return AuthorError(problem, "Correct it; `python -m pipeline dry-run` tries it.")


def _from_environment(match: re.Match[str]) -> str:
    try:
        return os.environ[match[1]]
    except KeyError:
        problem = f"The settings' `secrets` use the variable {match[1]}, which the environment does not set."
        raise AuthorError(problem, f"Set {match[1]} before the command.") from None
