"""What rows take once they are decoded, which their files do not show."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.request import url2pathname

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from pipeline.delta.commits import CommitLog
from pipeline.delta.decoded_size import decoded_bytes, encoded_bytes
from pipeline.delta.reading import bounded_rows, few_rows
from pipeline.foundation.limits import Limits

LONG = "x" * 1_000_000
MEGABYTES = 1_000_000


def written(folder: Path, values: list[Any], kind: pa.DataType | None = None) -> DeltaTable:
    write_deltalake(folder, pa.table({"number": list(range(len(values))), "value": pa.array(values, kind)}))
    return DeltaTable(folder)


def test_encoded_size_is_that_of_the_values_however_well_they_are_compressed(tmp_path: Path) -> None:
    table = written(tmp_path / "a home" / "t", [f"{number}{LONG}" for number in range(3)])
    files = [Path(url2pathname(uri)) for uri in table.file_uris()]
    assert sum(file.stat().st_size for file in files) < MEGABYTES
    assert 3 * MEGABYTES < encoded_bytes(files) < 4 * MEGABYTES
    assert encoded_bytes(files, ["number"]) < 1_000
    assert encoded_bytes(CommitLog(tmp_path / "a home" / "t").files_since(0)) == encoded_bytes(files)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (LONG, None),
        (LONG.encode(), None),
        ([LONG], None),
        ({"a": LONG}, None),
        ([("k", LONG)], pa.map_(pa.string(), pa.string())),
    ],
    ids=["text", "bytes", "list", "struct", "map"],
)
def test_decoded_size_counts_a_repeated_value_each_time(
    tmp_path: Path, value: object, kind: pa.DataType | None
) -> None:
    table = written(tmp_path / "t", [*[value] * 20, None], kind)
    assert encoded_bytes(map(url2pathname, table.file_uris())) < 3 * MEGABYTES
    batches = list(pa.RecordBatchReader.from_stream(table.scan(["number", "value"], None)))
    assert 20 * MEGABYTES < sum(map(decoded_bytes, batches)) < 21 * MEGABYTES
    # Also of a part of what was read.
    (batch,) = batches
    assert 5 * MEGABYTES <= decoded_bytes(batch.slice(2, 5)) < 6 * MEGABYTES


def test_short_values_and_rows_without_values_take_little(tmp_path: Path) -> None:
    table = written(tmp_path / "t", ["a", None, "b" * 12, "c" * 13])
    (batch,) = pa.RecordBatchReader.from_stream(table.scan(["value"], None))
    assert decoded_bytes(batch) == 26
    assert decoded_bytes(batch.slice(0, 0)) == 0


@pytest.mark.parametrize(
    "values", [[LONG] * 4, [f"{number}{LONG}" for number in range(4)]], ids=["repeated", "distinct"]
)
def test_few_rows_that_take_much_memory_are_not_read_here(tmp_path: Path, values: list[str]) -> None:
    table = written(tmp_path / "t", values)
    assert few_rows(table, Limits(few_bytes=3 * MEGABYTES)) is None
    rows = few_rows(table, Limits(few_bytes=5 * MEGABYTES))
    assert rows is not None
    assert sorted(rows["value"].to_pylist()) == sorted(values)
    # Columns that are not read do not count.
    assert bounded_rows(table, ["number"], 4, 3 * MEGABYTES) == pa.table({"number": [0, 1, 2, 3]})
