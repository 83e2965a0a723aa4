"""What reading a batch of files gives: rows, outcomes and new columns, all at once."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from pipeline.declare.files_source import FilesSource, parse_hints
from pipeline.delta.rows import Held
from pipeline.foundation.limits import DEFAULT_LIMITS
from pipeline.ingest.batch import FileBatch
from pipeline.ingest.evolution import NewColumnsError, NewKey
from pipeline.ingest.landing import LandedFile
from pipeline.ingest.reader import FileOutcome
from pipeline.ingest.schema_log import SchemaLog
from pipeline.ingest.stamp import Stamp
from tests.conftest import NOON

STAMP = Stamp(NOON, "0123456789abcdef")


def land(tmp_path: Path, **contents: str) -> list[LandedFile]:
    (tmp_path / "landing").mkdir()
    modified = datetime(2026, 3, 1, tzinfo=UTC)
    files = []
    for name, content in contents.items():
        path = tmp_path / "landing" / f"{name}.json"
        path.write_text(content, encoding="utf-8")
        files.append(LandedFile(str(path), len(content), modified, modified))
    return files


def batch_of(tmp_path: Path, files: list[LandedFile], **options: Any) -> FileBatch:
    source = FilesSource("landing", hints=parse_hints("name STRING", "landing"), **options)
    return FileBatch(cast("Any", None), DEFAULT_LIMITS, source, SchemaLog(tmp_path / "schema_log"), files, "")


def test_batch_read_in_the_driver_has_the_columns_of_every_file_in_each_row(tmp_path: Path) -> None:
    files = land(tmp_path, a='{"name": "a"}\n{"name": ', b='[{"name": "b", "size": 1.5}]')
    paths = [file.path for file in files]
    read = batch_of(tmp_path, files).read(STAMP, tmp_path / "table")
    assert isinstance(read.rows, Held)
    rows = [
        (row["record_id"], row["name"], row["size"], row["_corrupt_record"], row["source_file"])
        for row in read.rows.rows.to_pylist()
    ]
    assert rows == [
        ("0123456789abcdef-0", "a", None, None, paths[0]),
        ("0123456789abcdef-1", None, None, '{"name":', paths[0]),
        ("0123456789abcdef-2", "b", 1.5, None, paths[1]),
    ]
    digests = [hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in paths]
    assert read.outcomes == [
        FileOutcome(paths[0], rows=2, corrupt_rows=1, sha256=digests[0]),
        FileOutcome(paths[1], rows=1, sha256=digests[1], new_keys={"size": NewKey("double", paths[1])}),
    ]
    assert read.new_columns == {"size": paths[1]}
    versions = SchemaLog(tmp_path / "schema_log").versions()
    assert [(list(version.added), version.created_at) for version in versions] == [(["name"], NOON), (["size"], NOON)]


def test_batch_with_columns_that_the_source_refuses_is_not_read(tmp_path: Path) -> None:
    files = land(tmp_path, a='{"name": "a", "size": 1.5}')
    with pytest.raises(NewColumnsError):
        batch_of(tmp_path, files, schema_evolution_mode="failOnNewColumns").read(STAMP, tmp_path / "table")
    assert not (tmp_path / "table").exists()
