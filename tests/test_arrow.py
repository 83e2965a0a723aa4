"""Delta tables read by Arrow: what comes back, and how the process that has read them ends."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from pipeline.arrow import arrow_dataset
from pipeline.home import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

_READS = """
import sys
from deltalake import DeltaTable
from pipeline.arrow import arrow_dataset
arrow_dataset(DeltaTable(sys.argv[1])).to_table()
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table of many files, in a folder whose name a URL writes otherwise."""
    path = tmp_path / "a home, 100 % ü" / "readings"
    for number in range(30):
        write_deltalake(path, pa.table({"number": [number], "text": [str(number)]}), mode="append")
    return path


def test_dataset_of_a_version_has_that_version_s_rows(table: Path) -> None:
    newest, earlier = arrow_dataset(DeltaTable(table)), arrow_dataset(DeltaTable(table, version=1))
    assert sorted(newest.to_table(["number"])["number"].to_pylist()) == list(range(30))
    assert sorted(earlier.to_table(["number"])["number"].to_pylist()) == [0, 1]


def test_process_that_has_read_a_table_ends_orderly_however_early(table: Path) -> None:
    # One by one: each has the machine to itself when it ends, as a command in a terminal has.
    codes = [
        subprocess.run([sys.executable, "-c", _READS, table], cwd=CHECKOUT, check=False).returncode for _ in range(8)
    ]
    assert codes == [0] * 8


def test_no_other_module_reads_tables_through_arrow_by_itself() -> None:
    folders = ("pipeline", "generators", "alerts", "demo", "bench", "scripts", "superset", "docker")
    found = {
        str(file.relative_to(CHECKOUT))
        for folder in folders
        for file in (CHECKOUT / folder).rglob("*.py")
        if "to_pyarrow_" in file.read_text(encoding="utf-8")
    }
    assert found == {"pipeline/arrow.py"}
