"""The table of fates in docs/ingestion.md, asserted for every fault that the plant can land."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from generators.faults import FAULTS, return_to_fault
from pipeline.home.places import CHECKOUT
from tests.ingest.fates import SMALL_FAULTS, fates, land_all, landing_of

if TYPE_CHECKING:
    from tests.conftest import TestLakehouse

DOCUMENT = CHECKOUT / "docs" / "ingestion.md"
_ROW = re.compile(r"^\| `(\w+)` \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)
# As many new keys as fill the table: it lands after the others, whose keys become columns.
LAST = "wide_record"


def documented() -> dict[str, str]:
    return {name: fate for name, _, fate, _ in _ROW.findall(DOCUMENT.read_text(encoding="utf-8"))}


def test_every_fault_has_its_row_in_the_table_and_no_other() -> None:
    assert list(documented()) == [fault.name for fault in FAULTS]


def _with_n(found: dict[str, str], expected: dict[str, str]) -> dict[str, str]:
    """Return fates with `N` where the table leaves the number of rows open; it is never none."""
    return {
        name: re.sub(r"\b[1-9]\d* rows", "N rows", fate) if "N rows" in expected[name] else fate
        for name, fate in found.items()
    }


@pytest.mark.spark
@pytest.mark.slow
def test_every_fault_ends_where_the_table_says_and_loses_no_good_record(
    lakehouse: TestLakehouse,
) -> None:
    first = tuple(fault for fault in SMALL_FAULTS if fault.name != LAST)
    landed = land_all(lakehouse, first)
    # Root reads what others may not; the reader of another user has a test of its own.
    landed.pop("no_read_permission").unlink()
    assert lakehouse.update().state == "COMPLETED"
    lakehouse.assert_invariants()
    landed |= land_all(lakehouse, tuple(fault for fault in SMALL_FAULTS if fault.name == LAST))
    for fault in SMALL_FAULTS:
        if fault.name in landed:
            return_to_fault(fault, landing_of(lakehouse), landed[fault.name], lakehouse.clock.now(), 7)
    assert lakehouse.update().state == "COMPLETED"
    lakehouse.assert_invariants()
    expected = {name: fate for name, fate in documented().items() if name in landed}
    assert _with_n(fates(lakehouse, landed), expected) == expected
    rows = lakehouse.rows("bronze_sensor_readings", "source_file", "_corrupt_record", "_rescued_data")
    for fault in SMALL_FAULTS:
        if fault.name in landed and fault.good_records is not None:
            of_file = [row for row in rows if row["source_file"] == str(landed[fault.name])]
            corrupt = [row for row in of_file if row["_corrupt_record"] is not None]
            assert (len(of_file) - len(corrupt), len(corrupt)) == (fault.good_records, fault.corrupt_records), (
                fault.name
            )
    for row in rows:
        if row["_rescued_data"]:
            assert json.loads(row["_rescued_data"])["_file_path"] == row["source_file"]
    assert len(lakehouse.columns("bronze_sensor_readings")) == 200 + 6


@pytest.mark.bench
@pytest.mark.spark
@pytest.mark.slow
def test_file_of_two_hundred_megabytes_ends_where_the_table_says(lakehouse: TestLakehouse) -> None:
    landed = land_all(lakehouse, tuple(fault for fault in FAULTS if fault.is_large))
    assert lakehouse.update().state == "COMPLETED"
    lakehouse.assert_invariants()
    assert fates(lakehouse, landed) == {name: documented()[name] for name in landed}
