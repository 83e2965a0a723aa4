"""Files of rows as Arrow writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import parquet

from pipeline.delta.write.files import Share, ShareWriter

if TYPE_CHECKING:
    from pathlib import Path


def test_file_of_enough_bytes_is_followed_by_another_and_groups_are_of_enough_rows(tmp_path: Path) -> None:
    schema = pa.schema([("id", pa.int64())])
    writer = ShareWriter(Share(tmp_path, schema), group_bytes=80, file_bytes=300)
    for first in range(0, 100, 5):
        writer.add(pa.RecordBatch.from_pydict({"id": list(range(first, first + 5))}))
    files = writer.finished()
    assert sum(file.rows for file in files) == 100
    assert len(files) > 1
    found = [parquet.ParquetFile(tmp_path / file.name) for file in files]
    assert [row for file in found for row in file.read()["id"].to_pylist()] == list(range(100))
    groups = [file.metadata.row_group(index).num_rows for file in found for index in range(file.num_row_groups)]
    assert groups == [10] * 10
