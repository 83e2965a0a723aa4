"""Compiled suites, cached beside the code so that an ordinary update does not import Great Expectations."""

from __future__ import annotations

import hashlib
import os
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from pipeline.foundation.durable_file import replace_file
from pipeline.foundation.errors import AuthorError, UnknownNameError
from pipeline.home.places import support_folder
from pipeline.quality.compiler import compile_suite
from pipeline.quality.rules import Suite
from pipeline.quality.suite_file import unknown_column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

CACHE_VARIABLE = "SMART_FACTORY_CACHE"
# Raised when the content of a compiled suite changes.
_FORMAT = 3
_COMPILED = TypeAdapter(Suite)


class Suites:
    """The suites of one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        """Return the names of all suites in the folder, sorted."""
        return sorted(file.stem for file in self.folder.glob("*.json"))

    def compiled(
        self, name: str, frame: DataFrame, stored: Sequence[str] | None = None, *, by_row: bool = True
    ) -> Suite:
        """Return a suite compiled for a frame's columns, from the cache if its file has not changed.

        Args:
            name: Which suite.
            frame: Rows as they are judged.
            stored: The table's columns. Defaults to the frame's.
            by_row: Whether rows are judged before they are written; else every expectation is a table expectation.

        Raises:
            AuthorError: The suite does not exist, or it names a column that the frame does not have.
        """
        file = self.folder / f"{name}.json"
        if not file.is_file():
            raise UnknownNameError("suite", name, self.names(), str(self.folder))
        zone = frame.sparkSession.conf.get("spark.sql.session.timeZone")
        key = _key(file, by_row=by_row, zone=str(zone))
        suite = _load(key)
        if suite is None or _is_outgrown(suite, frame.columns):
            suite = compile_suite(self.folder, name, frame, stored or frame.columns, by_row=by_row)
            _store(key, suite)
        for rule in suite.rules:
            for condition in rule.conditions:
                missing = [column for column in condition.columns if column not in frame.columns]
                if missing and not condition.when_present:
                    raise unknown_column(str(file), rule.name, missing[0], frame.columns)
        return suite


def cache_folder() -> Path:
    """Return the folder of compiled suites."""
    return Path(os.environ.get(CACHE_VARIABLE) or support_folder() / ".cache") / "expectations"


def _key(file: Path, *, by_row: bool, zone: str) -> str:
    # A compiled condition spells timestamps in the session's time zone.
    level = "rows" if by_row else "table"
    facts = f"{_FORMAT}|{level}|{version('great-expectations')}|{version('pyspark')}|{zone}|"
    content = facts.encode() + file.read_bytes()
    return f"{file.stem}-{hashlib.sha256(content).hexdigest()[:32]}"


def _is_outgrown(suite: Suite, columns: list[str]) -> bool:
    """Return whether a column that a rule waited for has appeared, or one that it uses has disappeared."""
    conditions = [condition for rule in suite.rules for condition in rule.conditions]
    return any(
        (condition.violated_sql is None) == all(column in columns for column in condition.columns)
        for condition in conditions
    )


def _load(key: str) -> Suite | None:
    try:
        return _COMPILED.validate_json((cache_folder() / f"{key}.json").read_bytes())
    except (OSError, ValueError):
        # Missing or damaged: compile again.
        return None


def _store(key: str, suite: Suite) -> None:
    try:
        replace_file(cache_folder() / f"{key}.json", _COMPILED.dump_json(suite))
    except OSError:
        # The cache only saves seconds: if it cannot be written, the next update compiles again.
        return


def check_declared(suites: Suites, declared: dict[str, str], known_tables: list[str]) -> None:
    """Check that every declared suite exists and that every suite is for a declared table.

    Args:
        suites: The folder's suites.
        declared: For each table with expectations, the suite it names.
        known_tables: All declared tables.

    Raises:
        AuthorError: A suite is missing, or no table uses it.
    """
    for table, name in declared.items():
        if name not in suites.names():
            raise UnknownNameError("suite", name, suites.names(), f"table `{table}`, expectations")
    for name in suites.names():
        if name not in known_tables and name not in declared.values():
            problem = f"{suites.folder / name}.json is not the suite of any declared table."
            raise AuthorError(problem, f"Declare a table `{name}`, or move the file away.")
