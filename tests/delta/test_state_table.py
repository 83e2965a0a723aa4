"""Tables that hold state, after many small commits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from pipeline.delta import state_table
from pipeline.delta.reading import rows_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def few_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten small files are many, and a file of 50 kB is not small."""
    monkeypatch.setattr(state_table, "_MOST_SMALL_FILES", 10)
    monkeypatch.setattr(state_table, "_COMPACTED_BYTES", 50_000)


def append(table: Path, number: int) -> None:
    state_table.append(table, pa.table({"number": [number]}))


def numbers(table: DeltaTable) -> list[int]:
    return sorted(rows_of(table)["number"].to_pylist())


def test_small_files_are_joined_once_they_are_many_and_no_row_is_lost(tmp_path: Path) -> None:
    for number in range(10):
        append(tmp_path / "table", number)
    reader = DeltaTable(tmp_path / "table")
    assert len(reader.file_uris()) == 10
    append(tmp_path / "table", 10)
    joined = DeltaTable(tmp_path / "table")
    assert (len(joined.file_uris()), numbers(joined)) == (1, list(range(11)))
    # Who had opened the table before goes on reading it.
    assert numbers(reader) == list(range(10))


def test_file_that_has_grown_is_not_written_again(tmp_path: Path) -> None:
    state_table.append(tmp_path / "table", pa.table({"number": range(50_000)}))
    (grown,) = DeltaTable(tmp_path / "table").file_uris()
    for number in range(50_000, 50_030):
        append(tmp_path / "table", number)
    table = DeltaTable(tmp_path / "table")
    assert grown in table.file_uris()
    assert (len(table.file_uris()) <= 11, numbers(table)) == (True, list(range(50_030)))
