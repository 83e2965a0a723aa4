"""The event log as it lies on disk: only the files and columns that a question needs are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from pipeline.commit_log import CommitLog
from pipeline.errors import EnvironmentFaultError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

# Statistics cut long texts short; what is left of them still tells which files cannot hold a value.
_COMPARED = 32


@dataclass(frozen=True)
class LogFile:
    """One data file of the log, with the least and the greatest value of some of its columns."""

    path: str
    least: dict[str, Any]
    greatest: dict[str, Any]

    def may_hold(self, column: str, value: str) -> bool:
        """Tell whether a row may have a value that begins with a text."""
        least, greatest = self.least.get(column), self.greatest.get(column)
        if least is None or greatest is None:
            return True
        length = min(len(value), _COMPARED)
        return bool(least[:length] <= value[:length] <= greatest[:length])

    def may_reach(self, column: str, least: Any | None, greatest: Any | None) -> bool:
        """Tell whether a row may lie in a range; an end that is None is open."""
        if self.least.get(column) is None or self.greatest.get(column) is None:
            return True
        return (least is None or self.greatest[column] >= least) and (
            greatest is None or self.least[column] <= greatest
        )

    @property
    def newest(self) -> int:
        """The greatest sequence in the file; greater than all others where it is not known."""
        return self.greatest.get("sequence") or 2**63


_KNOWN_BY_FILE = ("sequence", "timestamp", "origin.update_id")


class StoredLog:
    """Reads the log's table; a table that is not there yet is empty."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._files: list[LogFile] = []
        self._version = -1
        self._newest: tuple[int, int] | None = None

    def files(self) -> list[LogFile]:
        """Return the table's files, newest events first.

        Raises:
            EnvironmentFaultError: The table cannot be read.
        """
        if not self._is_as_it_was():
            self._open()
        return self._files

    def rows(
        self, files: Iterable[LogFile], where: Callable[[pa.Table], pa.Table] | None = None
    ) -> list[dict[str, Any]]:
        """Return the rows of some files that a condition keeps, in the order of their sequence.

        Raises:
            EnvironmentFaultError: A file cannot be read.
        """
        try:
            # Not as a dataset: that loads pandas, which takes longer than most questions.
            tables = [pq.ParquetFile(self.path / file.path).read() for file in files]
        except (OSError, pa.ArrowException) as error:
            raise self._unreadable(error) from error
        if not tables:
            return []
        table = pa.concat_tables(tables, promote_options="permissive")
        if where is not None:
            table = where(table)
        rows: list[dict[str, Any]] = table.sort_by("sequence").to_pylist()
        return rows

    def _is_as_it_was(self) -> bool:
        """Tell whether nothing was committed since the last look, without opening the table."""
        return (
            self._newest is not None and self._newest == self._commit() and not self._file(self._version + 1).exists()
        )

    def _commit(self) -> tuple[int, int] | None:
        """Return what tells the newest known commit from one of the same number in another table."""
        try:
            found = self._file(self._version).stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns

    def _file(self, version: int) -> Path:
        return CommitLog(self.path).file(version)

    def _open(self) -> None:
        self._files, self._version, self._newest = [], -1, None
        try:
            if not DeltaTable.is_deltatable(str(self.path)):
                return
            table = DeltaTable(self.path)
            added = pa.table(table.get_add_actions(flatten=True))
        except (DeltaError, OSError) as error:
            raise self._unreadable(error) from error
        self._version = table.version()
        self._newest = self._commit()
        columns = {name: added[name].to_pylist() for name in added.column_names if name.startswith(("min.", "max."))}
        self._files = [
            LogFile(path, _facts("min.", columns, index), _facts("max.", columns, index))
            for index, path in enumerate(added["path"].to_pylist())
        ]
        self._files.sort(key=lambda file: file.newest, reverse=True)

    def _unreadable(self, error: Exception) -> EnvironmentFaultError:
        problem = f"The event log {self.path} cannot be read: {error}."
        return EnvironmentFaultError(problem, "Repair the permissions, or move the folder away.")


def _facts(end: str, columns: dict[str, list[Any]], index: int) -> dict[str, Any]:
    return {name: columns[end + name][index] for name in _KNOWN_BY_FILE if end + name in columns}
