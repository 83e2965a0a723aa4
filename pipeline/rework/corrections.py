"""Corrected values for quarantined rows, from a file that a person writes."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere
from pyspark.sql.types import BinaryType

from pipeline.foundation.durable_file import rename_file, replace_file
from pipeline.foundation.errors import AuthorError
from pipeline.foundation.sql_names import quoted
from pipeline.rework.corrected_values import RECORD, TEXTS, frame_of, is_nested, misfit_error, name_in_frame

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import StructField

_FIELDS = ("record_id", "column", "value")
_STAMP = "%Y%m%dT%H%M%S%fZ"
_KEPT = re.compile(r"(\d{8}T\d{12}Z)-")
_REMEDY = 'Write the columns record_id,column,value (CSV) or {"record_id": …, "column": …, "value": …} a line.'


@dataclass(frozen=True)
class Corrections:
    """For each record, the columns whose value is corrected; a value of None is NULL."""

    values: dict[str, dict[str, str | None]]

    @property
    def count(self) -> int:
        """How many values there are."""
        return sum(len(columns) for columns in self.values.values())

    def added_to(self, earlier: Mapping[str, dict[str, str | None]]) -> Corrections:
        """Return the same corrections, with what was corrected in the same records before."""
        return Corrections({record: earlier.get(record, {}) | values for record, values in self.values.items()})

    def columns(self) -> list[str]:
        """Return the columns that are corrected, in the order of the file."""
        return list(dict.fromkeys(column for columns in self.values.values() for column in columns))

    def text(self) -> str:
        """Return the corrections as JSON Lines, in the form of a file of corrections."""
        lines = (
            dict(zip(_FIELDS, (record_id, column, value), strict=True))
            for record_id, columns in self.values.items()
            for column, value in columns.items()
        )
        return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)

    def applied(self, rows: DataFrame) -> DataFrame:
        """Return rows with the corrected values in place, in their columns' own types.

        Raises:
            AuthorError: A value does not fit a nested column. One that does not fit another column is NULL.
        """
        if not self.values:
            return rows
        fields = [field for field in rows.schema if field.name in self.columns()]
        nested = [field for field in fields if is_nested(field.dataType)]
        corrected = F.broadcast(frame_of(self.values, nested, rows.sparkSession))
        joined = rows.join(corrected, on=F.col("record_id") == F.col(RECORD), how="left")
        for field in fields:
            has_value = F.coalesce(F.map_contains_key(TEXTS, F.lit(field.name)), F.lit(False))
            held = F.col(quoted(name_in_frame(field.name))) if field in nested else _parsed(field)
            joined = joined.withColumn(field.name, F.when(has_value, held).otherwise(F.col(quoted(field.name))))
        return joined.select(*map(quoted, rows.columns))

    def check(self, rows: DataFrame, fixed: set[str], where: Path) -> None:
        """Check that the corrections fit the rows that they are for.

        Args:
            rows: The rows that are replayed.
            fixed: Columns that must not be corrected.
            where: The file, for messages.

        Raises:
            AuthorError: A row or column does not exist, or a value does not fit its column.
        """
        allowed = [name for name in rows.columns if name not in fixed]
        for column in self.columns():
            if column not in allowed:
                problem = f"{where}: `{column}` is not a column that can be corrected; these are {', '.join(allowed)}."
                raise AuthorError(problem, "Correct the file.")
        there = {row["record_id"] for row in rows.where(F.col("record_id").isin(list(self.values))).collect()}
        strangers = sorted(set(self.values) - there)
        if strangers:
            problem = f"{where}: no row with the record_id {strangers[0]}."
            raise AuthorError(problem, "`python -m pipeline quarantine list` shows the rows that there are.")
        try:
            corrected = self.applied(rows)
        except AuthorError as error:
            error.put_at(where)
            raise
        for row in corrected.where(F.col("record_id").isin(list(self.values))).collect():
            for column, value in self.values[row["record_id"]].items():
                if value is not None and row[column] is None:
                    raise misfit_error(column, row["record_id"], value, rows.schema[column].dataType, f"{where}: ")


def _parsed(field: StructField) -> Column:
    """Return the value that a text stands for in a column of a simple type, as files would have it."""
    text = F.col(TEXTS)[field.name]
    is_binary = isinstance(field.dataType, BinaryType)
    return F.try_to_binary(text, F.lit("base64")) if is_binary else text.try_cast(field.dataType)


class KeptCorrections:
    """All corrections that were replayed into one table: one file for each replay, named by its time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def prepare(self, content: str, suffix: str, replay_id: str, now: datetime) -> Path:
        """Write a file that `settle` will keep, and return its later path; the content is on disk when this returns."""
        file = self._folder / f"{now.astimezone(UTC):{_STAMP}}-{replay_id}{suffix}"
        replace_file(_scratch(file), content)
        return file

    def settle(self, file: Path) -> None:
        """Keep a file that was prepared."""
        if _scratch(file).exists():
            rename_file(_scratch(file), file)

    def newest(self) -> dict[str, tuple[datetime, dict[str, str | None]]]:
        """Return, for each record, the time of its last correction and the values it got.

        Raises:
            AuthorError: A kept file can no longer be read.
        """
        found: dict[str, tuple[datetime, dict[str, str | None]]] = {}
        for file in sorted(self._folder.glob("*")):
            if match := _KEPT.match(file.name):
                given_at = datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC)
                found |= {record: (given_at, values) for record, values in read_corrections(file).values.items()}
        return found


def _scratch(file: Path) -> Path:
    return file.with_name(f".{file.name}")


def read_corrections(file: Path) -> Corrections:
    """Return what a file corrects: CSV with a header, or JSON Lines.

    Raises:
        AuthorError: The file cannot be read, or corrects one value twice.
    """
    values: dict[str, dict[str, str | None]] = {}
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        problem = f"The corrections {file} cannot be read: {error}."
        raise AuthorError(problem, "Give a CSV or JSON Lines file in UTF-8.") from error
    for number, entry in _entries(text, file):
        if set(entry) != set(_FIELDS) or not isinstance(entry["record_id"], str) or not entry["column"]:
            problem = f"{file}:{number}: expected {', '.join(_FIELDS)}; got {', '.join(map(str, entry)) or 'nothing'}."
            raise AuthorError(problem, _REMEDY)
        columns = values.setdefault(entry["record_id"], {})
        if entry["column"] in columns:
            problem = f"{file}:{number}: `{entry['column']}` of {entry['record_id']} is corrected twice."
            raise AuthorError(problem, "Leave one of the two lines.")
        value = entry["value"]
        columns[entry["column"]] = value if value is None or isinstance(value, str) else json.dumps(value)
    return Corrections(values)


def _entries(text: str, file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each line's number and fields; an empty value of a CSV file is NULL."""
    if not text.lstrip().startswith("{"):
        reader = csv.DictReader(text.splitlines(keepends=True))
        for row in reader:
            fields: dict[str, Any] = {str(key): value for key, value in row.items()}
            yield reader.line_num, fields | ({"value": None} if fields.get("value") == "" else {})
        return
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                entry = json.loads(line)
            except ValueError as error:
                raise AuthorError(f"{file}:{number}: this is not JSON: {error}.", _REMEDY) from error
            yield number, entry if isinstance(entry, dict) else {}
