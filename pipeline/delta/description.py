"""What a Delta table says of itself, read without Spark: columns, rows, history, how its schema came about."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.delta.commits import Commit
from pipeline.delta.errors import TABLE_ERRORS
from pipeline.delta.reading import is_its_files, rows_of
from pipeline.delta.table import Table
from pipeline.foundation.errors import EnvironmentFaultError

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.delta.snapshot import Snapshot

_MOST_COMMITS = 1000
# What the engine itself writes into tables; authors document their own columns.
_ENGINE_COLUMNS = {
    "record_id": "given once, when the record was first written; the same in every table",
    "record_row": "the row's number, from 0, among those that a query makes of one record",
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


class DeltaReader(Table):
    """One Delta table of the lakehouse, read for people; a table that is not there is empty."""

    def opened(self) -> Snapshot:
        """Return the table as it is now.

        Raises:
            EnvironmentFaultError: It cannot be read.
        """
        try:
            return super().opened()
        except TABLE_ERRORS as error:
            problem = f"The table {self.path} cannot be read: {error}."
            raise EnvironmentFaultError(
                problem, "See whether its `_delta_log` folder is whole and readable."
            ) from error

    def columns(self) -> list[dict[str, Any]]:
        """Return name, type, nullability and comment of every column."""
        table = self.opened().log
        return [
            {
                "name": field.name,
                "type": _type_text(field.type),
                "nullable": field.nullable,
                "comment": (field.metadata or {}).get("comment") or _ENGINE_COLUMNS.get(field.name),
            }
            for field in (table.schema().fields if table else ())
        ]

    def newest_rows(self, most: int) -> list[dict[str, Any]]:
        """Return rows of the files written last."""
        table = self.opened().log
        if table is None:
            return []
        if not is_its_files(table):
            return list(rows_of(table).slice(0, most).to_pylist())
        files = pa.table(table.get_add_actions()).sort_by([("modification_time", "descending")])["path"].to_pylist()
        schema = pa.schema(table.schema().to_arrow())
        found = [schema.empty_table()]
        for file in files:
            batches = pq.ParquetFile(self.path / file).iter_batches(most)
            found += [_with_columns(batch, schema) for batch in islice(batches, 1)]
            if sum(map(len, found)) >= most:
                break
        return list(pa.concat_tables(found).slice(0, most).to_pylist())

    def column(self, name: str) -> list[Any]:
        """Return all values of a column."""
        table = self.opened()
        return table.rows([name])[name].to_pylist() if table.log else []

    def history(self, most: int) -> list[dict[str, Any]]:
        """Return the newest commits: version, time, operation, figures, and the update that wrote each."""
        return [_described(commit) for commit in islice(self.log.newest_first(), most)]

    def schema_changes(self) -> list[SchemaChange]:
        """Return the commits that changed the columns, oldest first, as far back as the log is kept."""
        changes: list[SchemaChange] = []
        known: dict[str, str] | None = None
        for commit in map(Commit, self.log.files()[-_MOST_COMMITS:]):
            if (metadata := commit.metadata) is None:
                continue
            fields = json.loads(metadata["schemaString"])["fields"]
            columns = {field["name"]: _spark_type(field["type"]) for field in fields}
            if columns == known:
                continue
            before = known or {}
            added = {name: kind for name, kind in columns.items() if before.get(name) != kind}
            removed = tuple(name for name in before if name not in columns)
            changes.append(SchemaChange(commit.version, commit.at, added, removed))
            known = columns
        return changes


def _with_columns(batch: pa.RecordBatch, schema: pa.Schema) -> pa.Table:
    """Return a file's rows with the table's columns: later ones are NULL, and Spark's timestamps have no zone."""
    columns = [
        batch[field.name].cast(field.type) if field.name in batch.schema.names else pa.nulls(len(batch), field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _described(commit: Commit) -> dict[str, Any]:
    metrics = commit.info.get("operationMetrics") or {}
    return {
        "version": commit.version,
        "at": commit.at,
        "operation": commit.info.get("operation"),
        "update_id": commit.note.get("update_id"),
        "metrics": {name: value for name, value in metrics.items() if "rows" in name.lower() or name == "numFiles"},
    }


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
