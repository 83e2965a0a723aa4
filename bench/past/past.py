"""A home's past: how many updates ran and what they read; and the small pipeline that has one."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.home.places import Home

TABLE, FOLDER = "landed", "lines"
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
BETWEEN_UPDATES = timedelta(minutes=1)
_SOURCE = '''"""Lines as they landed."""

from pyspark.sql import DataFrame

from pipeline import read_files, table


@table(comment="Lines as they landed")
def landed() -> DataFrame:
    return read_files("lines", schema_hints="id STRING, value DOUBLE")
'''


@dataclass(frozen=True)
class Past:
    """What a home has behind it.

    Attributes:
        updates: How many updates ran; each was one batch.
        files_an_update: How many files each read, of one record.
        standing: The share of the files that are still in the landing zone: the newest.
        single_commits: How many of the newest updates are committed one by one; older ones are written in bulk, as
            compaction leaves them, and their commits without rows.
    """

    updates: int
    files_an_update: int = 1
    standing: float = 1.0
    single_commits: int = 200

    @property
    def files(self) -> int:
        """How many files were ever read."""
        return self.updates * self.files_an_update

    @property
    def first_standing(self) -> int:
        """The number of the oldest file that still stands."""
        return self.files - round(self.files * self.standing)

    def numbers_of(self, update: int) -> range:
        """Return the numbers of the files that an update read, counted from 0."""
        return range(update * self.files_an_update, (update + 1) * self.files_an_update)


def moment_of(update: int) -> datetime:
    """Return when an update ran."""
    return BEGAN + update * BETWEEN_UPDATES


def land_files(home: Home, numbers: range, at: datetime) -> None:
    """Land files with these numbers at a moment."""
    folder = home.landing / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        file = folder / name_of(number)
        file.write_text(content_of(number), encoding="utf-8")
        os.utime(file, (at.timestamp(), at.timestamp()))


def name_of(number: int) -> str:
    """Return a file's name; names are in no order, as those that devices make up are not."""
    return f"{(number * 2_654_435_761) % 2**32:08x}-{number}.json"


def content_of(number: int) -> str:
    """Return a file's content: one record."""
    return json.dumps({"id": f"line-{number}", "value": number + 0.5})


def write_pipeline(folder: Path) -> Path:
    """Write the pipeline of one table, and return its settings file."""
    (folder / "suites").mkdir(parents=True, exist_ok=True)
    (folder / "tables.py").write_text(_SOURCE, encoding="utf-8")
    settings = folder / "past.yml"
    settings.write_text("name: Past\nschema: past\nsource: tables.py\nexpectations: suites\n", encoding="utf-8")
    return settings
