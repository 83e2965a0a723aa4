"""What a Delta table says of itself, read without Spark: columns, rows, history, how its schema came about."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from pipeline.arrow import arrow_dataset
from pipeline.commit_log import CommitLog
from pipeline.errors import EnvironmentFaultError

if TYPE_CHECKING:
    from pathlib import Path

_MOST_COMMITS = 1000
# What the engine itself writes into tables; authors document their own columns.
_ENGINE_COLUMNS = {
    "record_id": "given once, when the record was first written; the same in every table",
    "_rescued_data": "JSON of what did not fit its column",
    "_corrupt_record": "the text that could not be parsed",
    "source_file": "the file that brought the record",
    "file_modification_time": "when that file was last written",
    "ingestion_timestamp": "when an update took the record in",
    "warnings": "the warn expectations that the row violates",
    "failed_expectations": "the drop expectations that the row violates",
    "quarantined_at": "when the row was judged",
}


@dataclass(frozen=True)
class SchemaChange:
    """One commit that changed a table's columns.

    Attributes:
        version: The table's version from which on the columns are these.
        added: Columns that came, each with its type.
        removed: Columns that went.
    """

    version: int
    at: datetime | None
    added: dict[str, str]
    removed: tuple[str, ...]


class DeltaReader:
    """One Delta table of the lakehouse."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def exists(self) -> bool:
        """Whether there is a table."""
        return DeltaTable.is_deltatable(str(self.path))

    def table(self) -> DeltaTable:
        """Return the table as it is now.

        Raises:
            EnvironmentFaultError: It cannot be read.
        """
        try:
            return DeltaTable(self.path)
        except (DeltaError, OSError) as error:
            problem = f"The table {self.path} cannot be read: {error}."
            raise EnvironmentFaultError(
                problem, "See whether its `_delta_log` folder is whole and readable."
            ) from error

    def row_count(self) -> int:
        """Return the number of rows, from the table's log alone; 0 where there is no table."""
        return int(self.table().count()) if self.exists else 0

    def columns(self) -> list[dict[str, Any]]:
        """Return name, type, nullability and comment of every column."""
        if not self.exists:
            return []
        fields = self.table().schema().fields
        return [
            {
                "name": field.name,
                "type": _type_text(field.type),
                "nullable": field.nullable,
                "comment": (field.metadata or {}).get("comment") or _ENGINE_COLUMNS.get(field.name),
            }
            for field in fields
        ]

    def newest_rows(self, most: int) -> list[dict[str, Any]]:
        """Return rows of the files written last."""
        if not self.exists:
            return []
        table = self.table()
        dataset = arrow_dataset(table)
        names = [field.name for field in table.schema().fields]
        written = _written(table)
        fragments = sorted(dataset.get_fragments(), key=lambda one: written[one.path], reverse=True)
        rows: list[dict[str, Any]] = []
        for fragment in fragments:
            scanner = fragment.scanner(schema=dataset.schema, columns=names)
            rows += scanner.head(most - len(rows)).to_pylist()
            if len(rows) >= most:
                break
        return rows

    def column(self, name: str) -> list[Any]:
        """Return all values of a column."""
        if not self.exists:
            return []
        values: list[Any] = arrow_dataset(self.table()).to_table([name])[name].to_pylist()
        return values

    def history(self, most: int) -> list[dict[str, Any]]:
        """Return the newest commits: version, time, operation, figures, and the update that wrote each."""
        if not self.exists:
            return []
        return [_commit(entry) for entry in self.table().history(most)]

    def schema_changes(self) -> list[SchemaChange]:
        """Return the commits that changed the columns, oldest first, as far back as the log is kept."""
        changes: list[SchemaChange] = []
        known: dict[str, str] | None = None
        for file in CommitLog(self.path).files()[-_MOST_COMMITS:]:
            columns, at = _declared_columns(file)
            if columns is None or columns == known:
                continue
            before = known or {}
            added = {name: kind for name, kind in columns.items() if before.get(name) != kind}
            removed = tuple(name for name in before if name not in columns)
            changes.append(SchemaChange(int(file.stem), at, added, removed))
            known = columns
        return changes


def _written(table: DeltaTable) -> dict[str, datetime]:
    import pyarrow as pa  # noqa: PLC0415 - needed where rows are shown alone

    actions = pa.table(table.get_add_actions(flatten=True))
    return dict(zip(actions["path"].to_pylist(), actions["modification_time"].to_pylist(), strict=True))


def _declared_columns(file: Path) -> tuple[dict[str, str] | None, datetime | None]:
    columns, at = None, None
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            # Most of a log is file names; only two kinds of line matter here.
            if line.startswith('{"metaData"'):
                schema = json.loads(json.loads(line)["metaData"]["schemaString"])
                columns = {field["name"]: _spark_type(field["type"]) for field in schema["fields"]}
            elif line.startswith('{"commitInfo"'):
                at = from_millis(json.loads(line)["commitInfo"].get("timestamp"))
    return columns, at


def _commit(entry: dict[str, Any]) -> dict[str, Any]:
    try:
        note = json.loads(entry.get("userMetadata") or "{}")
    except ValueError:
        note = {}
    metrics = entry.get("operationMetrics") or {}
    return {
        "version": entry.get("version"),
        "at": from_millis(entry.get("timestamp")),
        "operation": entry.get("operation"),
        "update_id": note.get("update_id") if isinstance(note, dict) else None,
        "metrics": {name: value for name, value in metrics.items() if "rows" in name.lower() or name == "numFiles"},
    }


def from_millis(milliseconds: int | None) -> datetime | None:
    """Return the moment so many milliseconds after 1970, aware and in UTC."""
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)


def _type_text(kind: Any) -> str:
    text = json.loads(kind.to_json()) if hasattr(kind, "to_json") else str(kind)
    return _spark_type(text)


def _spark_type(kind: Any) -> str:
    if isinstance(kind, str):
        return kind
    if kind.get("type") == "array":
        return f"array<{_spark_type(kind['elementType'])}>"
    if kind.get("type") == "map":
        return f"map<{_spark_type(kind['keyType'])}, {_spark_type(kind['valueType'])}>"
    inner = ", ".join(f"{field['name']}: {_spark_type(field['type'])}" for field in kind.get("fields", ()))
    return f"struct<{inner}>"
