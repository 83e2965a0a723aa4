"""Values from the names of folders: read as Spark writes them, and rescued where they do not fit."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.declare.files_source import FilesSource
from pipeline.ingest.landing import LandedFile
from pipeline.ingest.partitions import partition_values
from pipeline.ingest.reader import FileOutcome, Plan, rows_of
from pipeline.records.columns import Column
from pipeline.records.values import Corrupt
from tests.conftest import NOON

COLUMNS = (Column("date", "string"), Column("line", "double"))


@pytest.mark.parametrize(
    ("below", "values"),
    [
        ("a.json", {}),
        ("date=2026-03-01/a.json", {"date": "2026-03-01"}),
        ("date=2026-03-01/line=7/a.json", {"date": "2026-03-01", "line": "7"}),
        ("date=1/site=x/date=2/a.json", {"date": "2"}),
        ("date=10%3A30/line=__HIVE_DEFAULT_PARTITION__/a.json", {"date": "10:30"}),
        ("date=a=b/a.json", {"date": "a=b"}),
        ("date=/Date=1/date/a.json", {"date": ""}),
        ("date=1.json", {}),
    ],
)
def test_values_come_from_folders_below_the_landing_folder(below: str, values: dict[str, str]) -> None:
    assert partition_values(f"/plant/date=0/landing/{below}", "/plant/date=0/landing", COLUMNS) == values


def rows(below: str, *records: Any) -> tuple[list[dict[str, Any]], FileOutcome]:
    source = FilesSource.declared(path="x", format="json", schema_hints="line DOUBLE", partition_columns="date,line")
    file = LandedFile(f"/x/{below}", 1, NOON, NOON)
    outcome = FileOutcome(file.path)
    plan = Plan(source, (Column("id", "string"), *COLUMNS), folder="/x")
    shown = ["id", "date", "line", "_rescued_data", "_corrupt_record"]
    return rows_of(list(records), file, plan, outcome).select(shown).to_pylist(), outcome


def test_every_row_of_a_file_has_the_values_of_its_folders() -> None:
    found, _ = rows("date=2026-03-01/line=7/a.json", {"id": "1"}, Corrupt("{"))
    of_folders = {"date": "2026-03-01", "line": 7.0, "_rescued_data": None}
    assert found == [
        {"id": "1", **of_folders, "_corrupt_record": None},
        {"id": None, **of_folders, "_corrupt_record": "{"},
    ]


def test_record_with_a_value_of_its_own_for_the_column_keeps_it_in_the_rescued_data() -> None:
    (row,), outcome = rows("date=1/a.json", {"id": "1", "date": "2"})
    assert (row["date"], row["line"]) == ("1", None)
    assert json.loads(row["_rescued_data"]) == {"date": "2", "_file_path": "/x/date=1/a.json"}
    assert outcome.rescued_rows == 1


def test_value_that_does_not_fit_its_hint_is_rescued_in_every_row() -> None:
    (plain, other), outcome = rows("line=seven/a.json", {"id": "1"}, {"id": "2", "new": 1})
    assert (plain["line"], other["line"], outcome.rescued_rows) == (None, None, 2)
    path = {"_file_path": "/x/line=seven/a.json"}
    assert json.loads(plain["_rescued_data"]) == {"line": "seven", **path}
    assert json.loads(other["_rescued_data"]) == {"line": "seven", "new": 1, **path}


def test_value_that_a_record_also_has_is_rescued_once() -> None:
    (row,), _ = rows("line=seven/a.json", {"id": "1", "line": 7})
    assert json.loads(row["_rescued_data"]) == {"line": 7, "_file_path": "/x/line=seven/a.json"}
