"""Corrected values for quarantined rows, from a file that a person writes."""

from __future__ import annotations

import csv
import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline.errors import AuthorError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyspark.sql import DataFrame

_FIELDS = ("record_id", "column", "value")
_VALUES = "__corrected"
_STAMP = "%Y%m%dT%H%M%S%fZ"
_KEPT = re.compile(r"(\d{8}T\d{12}Z)-")
_REMEDY = 'Write the columns record_id,column,value (CSV) or {"record_id": …, "column": …, "value": …} a line.'


@dataclass(frozen=True)
class Corrections:
    """For each record, the columns that get another value than was sent; None makes it NULL."""

    values: dict[str, dict[str, str | None]]

    @property
    def count(self) -> int:
        """How many values there are."""
        return sum(len(columns) for columns in self.values.values())

    def columns(self) -> list[str]:
        """Return the columns that are corrected, in the order of the file."""
        return list(dict.fromkeys(column for columns in self.values.values() for column in columns))

    def text(self) -> str:
        """Return them as JSON Lines, as a file of corrections holds them."""
        lines = (
            dict(zip(_FIELDS, (record_id, column, value), strict=True))
            for record_id, columns in self.values.items()
            for column, value in columns.items()
        )
        return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)

    def applied(self, rows: DataFrame) -> DataFrame:
        """Return rows with the corrected values in place, in their columns' own types."""
        if not self.values:
            return rows
        schema = f"record_id STRING, {_VALUES} MAP<STRING, STRING>"
        corrected = rows.sparkSession.createDataFrame(list(self.values.items()), schema)
        joined = rows.join(F.broadcast(corrected), on="record_id", how="left")
        for field in rows.schema.fields:
            if field.name in self.columns():
                has_value = F.coalesce(F.map_contains_key(_VALUES, F.lit(field.name)), F.lit(False))
                value = F.col(_VALUES)[field.name].try_cast(field.dataType)
                joined = joined.withColumn(field.name, F.when(has_value, value).otherwise(F.col(field.name)))
        return joined.select(*rows.columns)

    def check(self, rows: DataFrame, fixed: set[str], where: Path) -> None:
        """Check that the corrections fit the rows that they are for.

        Args:
            rows: The rows that are replayed.
            fixed: Columns that nobody may correct.
            where: The file, for messages.

        Raises:
            AuthorError: A row or column does not exist, or a value does not fit its column.
        """
        allowed = [name for name in rows.columns if name not in fixed]
        for column in self.columns():
            if column not in allowed:
                problem = f"{where}: `{column}` is no column that can be corrected; those are {', '.join(allowed)}."
                raise AuthorError(problem, "Correct the file.")
        there = {row["record_id"] for row in rows.where(F.col("record_id").isin(list(self.values))).collect()}
        strangers = sorted(set(self.values) - there)
        if strangers:
            problem = f"{where}: there is no row to replay with the record_id {strangers[0]}."
            raise AuthorError(problem, "`python -m pipeline quarantine list` shows the rows that there are.")
        for row in self.applied(rows).where(F.col("record_id").isin(list(self.values))).collect():
            for column, value in self.values[row["record_id"]].items():
                if value is not None and row[column] is None:
                    kind = rows.schema[column].dataType.simpleString()
                    problem = f"{where}: {value!r} for `{column}` of {row['record_id']} is no {kind}."
                    raise AuthorError(problem, "Correct the file.")


class KeptCorrections:
    """The corrections that were ever replayed into one table: a file for each replay, named by when it was given."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def prepare(self, content: str, suffix: str, replay_id: str, now: datetime) -> Path:
        """Write a file that is kept from `settle` on, and return where it will be; it is on disk when this returns."""
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / f"{now.astimezone(UTC):{_STAMP}}-{replay_id}{suffix}"
        with _scratch(file).open("w", encoding="utf-8") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        return file

    def settle(self, file: Path) -> None:
        """Keep a file that was prepared."""
        if _scratch(file).exists():
            _scratch(file).replace(file)

    def newest(self) -> dict[str, tuple[datetime, dict[str, str | None]]]:
        """Return for each record when it was corrected last, and the values that it got then.

        Raises:
            AuthorError: A file that was kept cannot be read any more.
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
