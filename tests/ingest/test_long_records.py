"""Records longer than a source collects, in tables."""

from __future__ import annotations

import gzip
import json
import re
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import TestLakehouse

    Things = Callable[[str], TestLakehouse]

pytestmark = pytest.mark.spark
MOST = 8 * 1024
LONG = "x" * (3 * MOST)


def found(lakehouse: TestLakehouse) -> list[tuple[str | None, str | None]]:
    """Return each row's id, and the beginning and the end of what is corrupt."""
    rows = lakehouse.rows("things", "id", "_corrupt_record")
    return [(row["id"], row["_corrupt_record"] and re.sub("xx+", "", row["_corrupt_record"])) for row in rows]


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["in the driver", "in workers"])
def test_long_record_is_a_corrupt_row_and_the_file_goes_on_behind_it(
    things: Things, pack: Callable[[bytes], bytes]
) -> None:
    lakehouse = things('schema_hints="id STRING", max_record_bytes="8k"')
    text = f'[{{"id":"1"}}, {{"id":"{LONG}"}}, {{"id":"2"}}, {{"{LONG}":1}}, {{"id":"3"}}]'
    lakehouse.land("a.json", pack(text.encode()), folder="things")
    assert lakehouse.update().state == "COMPLETED"
    note = f"… [{len(LONG) + 9} bytes; max_record_bytes is 8192]"
    assert sorted(found(lakehouse), key=str) == sorted(
        [("1", None), ("2", None), ("3", None), (None, '{"id":"' + note), (None, '{"' + note.replace("85", "82"))],
        key=str,
    )
    (file,) = lakehouse.files("things").values()
    assert (file.state, file.rows, file.corrupt_rows) == ("ingested", 5, 2)
    assert lakehouse.columns("things").count("id") == 1


def test_long_value_of_a_parquet_file_makes_its_row_corrupt(things: Things) -> None:
    lakehouse = things('format="parquet", schema_hints="id STRING", max_record_bytes="8k"')
    file = lakehouse.land("a.parquet", b"", folder="things")
    pq.write_table(pa.table({"id": ["1", LONG, "2"], "n": [1, 2, 3]}), file)
    assert lakehouse.update().state == "COMPLETED"
    rows = lakehouse.rows("things", "id", "n", "_corrupt_record", by="n")
    assert sorted((row["id"], row["n"]) for row in rows if row["id"]) == [("1", 1), ("2", 3)]
    (text,) = [row["_corrupt_record"] for row in rows if not row["id"]]
    whole = json.dumps({"id": LONG, "n": 2}, separators=(",", ":"))
    assert text == whole[: 4 * 1024 + 3] + f"… [{len(whole)} bytes; max_record_bytes is 8192]"


def test_binary_file_that_is_too_long_is_set_aside(things: Things) -> None:
    lakehouse = things('format="binaryFile", max_record_bytes="8k"')
    for name, content in (("a.bin", b"short"), ("b.bin", LONG.encode())):
        lakehouse.land(name, content, folder="things")
    assert lakehouse.update().state == "COMPLETED"
    files = {path.rpartition("/")[2]: file for path, file in lakehouse.files("things").items()}
    assert {name: file.state for name, file in files.items()} == {"a.bin": "ingested", "b.bin": "set aside"}
    assert "24576 bytes, more than max_record_bytes (8192)" in str(files["b.bin"].error)
