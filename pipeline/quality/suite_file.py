"""Suites as Great Expectations stores them: read, and refused where it would read over something."""

from __future__ import annotations

import json
import re
import warnings
from typing import TYPE_CHECKING, Any

from pipeline.foundation.errors import AuthorError, UnknownNameError

if TYPE_CHECKING:
    from pathlib import Path

_TYPE = re.compile(r'"type"\s*:\s*"(?:expect_|unexpected_rows_)')
_COLUMN_ARGUMENTS = ("column", "column_A", "column_B")
# Arguments that every expectation takes and that need more than the rows of one table.
_FOREIGN = {
    "batch_id": "An update judges the table that it has just written; leave `batch_id` out.",
    "windows": "Great Expectations' cloud computes them; write the bounds themselves.",
}
_REMEDY = "Correct the file, or save the suite anew through Great Expectations."


def open_context(folder: Path) -> Any:
    """Return a Great Expectations context that reads suites from a folder of JSON files."""
    with warnings.catch_warnings():
        # The import of Great Expectations warns about its own dependencies.
        warnings.simplefilter("ignore")
        import great_expectations as gx  # noqa: PLC0415 - takes seconds, which an ordinary update saves
        from great_expectations.data_context.types.base import (  # noqa: PLC0415
            DataContextConfig,
            InMemoryStoreBackendDefaults,
        )
    config = DataContextConfig(store_backend_defaults=InMemoryStoreBackendDefaults(), analytics_enabled=False)
    config.stores["expectations_store"] = {
        "class_name": "ExpectationsStore",
        "store_backend": {
            "class_name": "TupleFilesystemStoreBackend",
            "base_directory": str(folder),
            # Without this, reading would create a file in the folder.
            "suppress_store_backend_id": True,
        },
    }
    config.expectations_store_name = "expectations_store"
    context = gx.get_context(mode="ephemeral", project_config=config)
    context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]
    return context


def load_suite(context: Any, name: str, file: Path) -> Any:
    """Return a suite as Great Expectations reads it.

    Raises:
        AuthorError: Great Expectations cannot read the suite, or only a part of it.
    """
    try:
        written = json.loads(file.read_text(encoding="utf-8"))["expectations"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        problem = f"{file}: Great Expectations cannot load the suite: {error!r}."
        raise AuthorError(problem, _REMEDY) from error
    for index, item in enumerate(written):
        _check_arguments(item, f"{file}:{line_of(file, index)}")
    try:
        with warnings.catch_warnings():
            # A row condition in the form of earlier versions means the same.
            warnings.simplefilter("ignore", DeprecationWarning)
            suite = context.suites.get(name)
    except Exception as error:
        problem = f"{file}: Great Expectations cannot load the suite: {error}."
        raise AuthorError(problem, _REMEDY) from error
    # It leaves out expectations that it cannot build, and only logs that.
    if len(suite.expectations) != len(written):
        left_out = {item["type"] for item in written} - {item.expectation_type for item in suite.expectations}
        problem = f"{file}: Great Expectations cannot load the suite's {', '.join(sorted(left_out)) or 'expectations'}."
        raise AuthorError(problem, _REMEDY)
    return suite


def _check_arguments(item: Any, where: str) -> None:
    """Refuse an expectation of an unknown type, and arguments that its type does not know or that we cannot honour."""
    from great_expectations.expectations import registry  # noqa: PLC0415

    if not isinstance(item, dict) or not isinstance(item.get("type"), str):
        # Great Expectations itself says what is wrong with the file.
        return
    kind, arguments = item["type"], item.get("kwargs") or {}
    known_types = registry.list_registered_expectation_implementations()
    if kind not in known_types:
        raise UnknownNameError("expectation", kind, known_types, where)
    known = registry.get_expectation_impl(kind).__fields__
    for name, value in arguments.items():
        if name not in known:
            raise UnknownNameError("argument", name, known, f"{where}, `{kind}`")
        if value and name in _FOREIGN:
            raise AuthorError(f"{where}, `{kind}`: `{name}` cannot be honoured.", _FOREIGN[name])


def line_of(file: Path, index: int) -> int:
    """Return the line, from 1, of an expectation's type in its suite's file; 1 if it is not found."""
    lines = file.read_text(encoding="utf-8").splitlines()
    found = [number for number, line in enumerate(lines, 1) for _ in _TYPE.findall(line)]
    return found[index] if index < len(found) else 1


def columns_of(expectation: Any) -> tuple[str, ...]:
    """Return the columns that an expectation names."""
    given = expectation.configuration.kwargs
    single = [given[key] for key in _COLUMN_ARGUMENTS if given.get(key)]
    return tuple(dict.fromkeys([*single, *given.get("column_list", ()), *given.get("column_set", ())]))


def unknown_column(where: str, rule: str, column: str, known: list[str]) -> AuthorError:
    """Return the error for a rule on a column that the judged rows lack."""
    problem = f"{where}: expectation `{rule}` names the column `{column}`; the rows have {', '.join(known)}."
    remedy = 'Correct the name, or write "when_present": true into its meta if the column comes later.'
    return AuthorError(problem, remedy)
