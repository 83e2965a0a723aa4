"""Compiled suites, kept beside the code so that an ordinary update imports no Great Expectations."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import AuthorError, UnknownNameError
from pipeline.home import CHECKOUT
from pipeline.quality.compiler import compile_suite, unknown_column
from pipeline.quality.rules import Condition, Rule, Suite, TableExpectation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

CACHE_VARIABLE = "SMART_FACTORY_CACHE"
# Raised when what a compiled suite holds changes.
_FORMAT = 2


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
        """Return a suite compiled for a frame's columns, from the cache where its file has not changed.

        Args:
            name: Which suite.
            frame: Rows as they are judged.
            stored: The columns that the table keeps, where they are not the frame's.
            by_row: Whether rows are judged on their way; else every expectation is one of the whole table.

        Raises:
            AuthorError: There is no such suite, or it names a column that the frame lacks.
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
    return Path(os.environ.get(CACHE_VARIABLE) or CHECKOUT / ".cache") / "expectations"


def _key(file: Path, *, by_row: bool, zone: str) -> str:
    # A moment in a compiled condition is spelled in the session's time zone.
    level = "rows" if by_row else "table"
    facts = f"{_FORMAT}|{level}|{version('great-expectations')}|{version('pyspark')}|{zone}|"
    content = facts.encode() + file.read_bytes()
    return f"{file.stem}-{hashlib.sha256(content).hexdigest()[:32]}"


def _is_outgrown(suite: Suite, columns: list[str]) -> bool:
    """Tell whether a column that a rule waited for has come, or one that it used has gone."""
    conditions = [condition for rule in suite.rules for condition in rule.conditions]
    return any(
        (condition.violated_sql is None) == all(column in columns for column in condition.columns)
        for condition in conditions
    )


def _load(key: str) -> Suite | None:
    try:
        stored: dict[str, Any] = json.loads((cache_folder() / f"{key}.json").read_text(encoding="utf-8"))
        rules = tuple(
            Rule(**{**rule, "conditions": tuple(_condition(stored) for stored in rule["conditions"])})
            for rule in stored["rules"]
        )
        table_level = tuple(
            TableExpectation(**{**item, "parameters": tuple(item["parameters"])})
            for item in stored["table_expectations"]
        )
        return Suite(stored["name"], rules, table_level)
    except (OSError, ValueError, KeyError, TypeError):
        # Missing, or damaged: what it saved is computed again.
        return None


def _condition(stored: dict[str, Any]) -> Condition:
    return Condition(**{**stored, "columns": tuple(stored["columns"])})


def _store(key: str, suite: Suite) -> None:
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=folder, delete=False, encoding="utf-8") as file:
            json.dump(asdict(suite), file)
        Path(file.name).replace(folder / f"{key}.json")
    except OSError:
        # The cache saves seconds; where it cannot be written the next update compiles again.
        return


def check_declared(suites: Suites, declared: dict[str, str], known_tables: list[str]) -> None:
    """Check that every declared suite exists and that every suite is for a declared table.

    Args:
        suites: The folder's suites.
        declared: For each table with expectations, the suite it names.
        known_tables: All declared tables.

    Raises:
        AuthorError: A suite is missing, or belongs to no table.
    """
    for table, name in declared.items():
        if name not in suites.names():
            raise UnknownNameError("suite", name, suites.names(), f"table `{table}`, expectations")
    for name in suites.names():
        if name not in known_tables and name not in declared.values():
            problem = f"{suites.folder / name}.json is a suite for no declared table."
            raise AuthorError(problem, f"Declare a table `{name}`, or move the file away.")
