"""What a source takes of its folder, in whole updates: names, folders, columns of folders, files of the first look."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline.foundation.errors import AuthorError
from pipeline.ingest.inventory import inventories
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import TestLakehouse

    Things = Callable[[str], TestLakehouse]

pytestmark = pytest.mark.spark


def land(lakehouse: TestLakehouse, *names: str) -> list[Path]:
    """Land a file of one record, named after the file, under each name below the landing folder."""
    return [lakehouse.land(name, [{"id": name}], folder="things") for name in names]


def ids(lakehouse: TestLakehouse) -> list[str]:
    return [row["id"] for row in lakehouse.rows("things", "id")]


def states(lakehouse: TestLakehouse) -> dict[str, str]:
    """Return the state of every file that `files` lists, by its path below the landing folder."""
    (records,) = inventories(lakehouse.home, load_settings(lakehouse.settings_file)).values()
    return {lakehouse.home.landed_name(record.path): record.state for record in records}


def test_folders_with_values_are_read_and_their_values_are_columns(things: Things) -> None:
    lakehouse = things('schema_hints="id STRING, line DOUBLE", partition_columns=["day", "line"]')
    land(lakehouse, "day=2026-03-01/line=7/a.json", "day=2026-03-02/b.json", "c.json", "other/d.json", "notes.txt")
    assert lakehouse.update().state == "COMPLETED"
    rows = lakehouse.rows("things", "id", "day", "line", "_rescued_data")
    assert [(row["day"], row["line"], row["_rescued_data"]) for row in rows] == [
        (None, None, None), ("2026-03-01", 7.0, None), ("2026-03-02", None, None),
    ]  # fmt: skip
    assert states(lakehouse) == {
        "day=2026-03-01/line=7/a.json": "ingested",
        "day=2026-03-02/b.json": "ingested",
        "c.json": "ingested",
        "other/d.json": "ignored",
        "notes.txt": "ignored",
    }


@pytest.mark.usefixtures("many")
def test_workers_read_the_values_of_folders_too(things: Things) -> None:
    lakehouse = things('schema_hints="id STRING, day DOUBLE", partition_columns="day"')
    land(lakehouse, "day=7/a.json", "day=seven/b.json")
    lakehouse.update()
    first, second = lakehouse.rows("things", "id", "day", "_rescued_data", "source_file")
    assert (first["day"], first["_rescued_data"], second["day"]) == (7.0, None, None)
    assert json.loads(second["_rescued_data"]) == {"day": "seven", "_file_path": second["source_file"]}


@pytest.mark.slow
def test_nested_files_are_archived_brought_back_and_read_again_by_their_paths(things: Things) -> None:
    options = (
        'schema_hints="id STRING", recursive_file_lookup=True, clean_source="archive", clean_source_retention="1h"'
    )
    lakehouse = things(options)
    files = land(lakehouse, "a.json", "x/a.json", "x/y/a.json")
    lakehouse.update()
    record_ids = {row["id"]: row["record_id"] for row in lakehouse.rows("things", "id", "record_id")}
    assert sorted(record_ids) == ["a.json", "x/a.json", "x/y/a.json"]
    lakehouse.clock.advance(timedelta(hours=2))
    lakehouse.update()
    assert not any(file.exists() for file in files)
    archive = lakehouse.home.archive_of("things")
    assert sorted(str(file.relative_to(archive)) for file in archive.rglob("*.json")) == sorted(record_ids)
    assert lakehouse.update(reprocess_files=("x/a.json",)).state == "COMPLETED"
    assert {row["id"]: row["record_id"] for row in lakehouse.rows("things", "id", "record_id")} == record_ids
    assert lakehouse.update(full_refresh_all=True).state == "COMPLETED"
    assert ids(lakehouse) == sorted(record_ids)
    assert set(states(lakehouse).values()) == {"ingested"}


@pytest.mark.slow
def test_files_of_the_first_look_are_left_also_by_a_full_refresh_until_they_are_included(things: Things) -> None:
    lakehouse = things('schema_hints="id STRING", include_existing_files=False')
    old, _ = land(lakehouse, "old.json", "older.json")
    assert states(lakehouse) == {"old.json": "ignored", "older.json": "ignored"}
    assert lakehouse.update().state == "COMPLETED"
    assert ids(lakehouse) == []
    land(lakehouse, "new.json")
    assert states(lakehouse)["new.json"] == "waiting"
    left = {"old.json": "ignored", "older.json": "ignored"}
    for selection in ({}, {"full_refresh_all": True}, {"full_refresh_all": True}):
        os.utime(old, (1_700_000_000, 1_700_000_000))
        assert lakehouse.update(**selection).state == "COMPLETED"
        assert ids(lakehouse) == ["new.json"]
        assert states(lakehouse) == {"new.json": "ingested", **left}
    with pytest.raises(AuthorError, match=r"No table has read these files: old\.json"):
        lakehouse.update(reprocess_files=("old.json",))
    lakehouse = things('schema_hints="id STRING"')
    assert states(lakehouse) == {"new.json": "ingested", "old.json": "waiting", "older.json": "waiting"}
    assert lakehouse.update().state == "COMPLETED"
    assert ids(lakehouse) == ["new.json", "old.json", "older.json"]


def test_glob_takes_names_of_any_ending(things: Things) -> None:
    lakehouse = things('schema_hints="id STRING", path_glob_filter="*.{jsonl,log}"')
    land(lakehouse, "a.jsonl", "b.log", "c.json")
    lakehouse.update()
    assert ids(lakehouse) == ["a.jsonl", "b.log"]
    assert states(lakehouse) == {"a.jsonl": "ingested", "b.log": "ingested", "c.json": "ignored"}


def test_link_that_leads_out_of_the_folder_is_set_aside_and_one_that_stays_is_read(things: Things) -> None:
    lakehouse = things('schema_hints="id STRING", path_glob_filter="*.json"')
    land(lakehouse, "a.jsonl")
    secret = lakehouse.land("secret.json", [{"id": "secret"}], folder="elsewhere")
    (lakehouse.home.landing / "things" / "inside.json").symlink_to("a.jsonl")
    (lakehouse.home.landing / "things" / "outside.json").symlink_to(secret)
    os.mkfifo(lakehouse.home.landing / "things" / "pipe.json")
    os.mkfifo(lakehouse.home.landing / "things" / "pipe")
    lakehouse.update()
    assert ids(lakehouse) == ["a.jsonl"]
    assert states(lakehouse) == {
        "a.jsonl": "ignored",
        "inside.json": "ingested",
        "outside.json": "set aside",
        "pipe.json": "set aside",
        "pipe": "ignored",
    }


def test_option_that_does_not_fit_is_refused_with_file_and_line(things: Things) -> None:
    lakehouse = things('recursive_file_lookup="yes"')
    with pytest.raises(AuthorError, match=r"things\.py:\d+.*`recursive_file_lookup` must be True or False; got 'yes'"):
        lakehouse.update()
