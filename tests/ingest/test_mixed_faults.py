"""Good and bad input mixed at random: no update fails, no good record is lost, each bad one ends in its named place."""

from __future__ import annotations

import itertools
import json
import os
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from generators.faults import Fault, land_fault, return_to_fault
from tests.conftest import TABLES
from tests.ingest.fates import SMALL_FAULTS, landing_of
from tests.ingest.mixed_files import KINDS, MIXED_FILES, MixedFile, Sent

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import TestLakehouse

# A record of 10 MB and one of 5,000 keys take seconds, and root reads what others may not: each has its own test.
_MIXED = [
    fault for fault in SMALL_FAULTS if fault.name not in {"big_record", "wide_record", "no_read_permission"}
]  # fmt: skip
_FILES = st.lists(MIXED_FILES | MIXED_FILES | st.sampled_from(_MIXED), min_size=8, max_size=24)
_number = itertools.count()


@dataclass
class Mixture:
    """A lakehouse, and all that has landed in it."""

    lakehouse: TestLakehouse
    files: dict[Path, MixedFile] = field(default_factory=dict)
    faults: dict[Path, Fault] = field(default_factory=dict)
    changed: set[Path] = field(default_factory=set)
    mended: set[Path] = field(default_factory=set)

    def land(self, inputs: list[MixedFile | Fault]) -> None:
        for item in inputs:
            number = len(self.files) + len(self.faults)
            if isinstance(item, Fault):
                self.faults[land_fault(item, landing_of(self.lakehouse), self.lakehouse.clock.now(), number)] = item
                continue
            file = item.marked(number)
            name = f"{number} {file.label}.json{'.gz' if file.is_compressed else ''}"
            self.files[self.lakehouse.land(name, file.content(whole=False))] = file

    def change(self) -> None:
        """Put whole files in the place of those cut short, and overwrite and delete what is there for that."""
        for path, file in self.files.items():
            if file.is_compressed and file.is_cut:
                path.write_bytes(file.content(whole=True))
                os.utime(path, (1_700_000_000, 1_700_000_000))
                self.mended.add(path)
        for path, fault in self.faults.items():
            if fault.afterwards and path not in self.changed:
                landing = landing_of(self.lakehouse)
                return_to_fault(fault, landing, path, self.lakehouse.clock.now(), 1)
                self.changed.add(path)

    def update(self) -> None:
        result = self.lakehouse.update()
        assert (result.state, result.errors) == ("COMPLETED", {})
        self.lakehouse.assert_invariants()
        self._check()

    def _check(self) -> None:
        records = self.lakehouse.files()
        assert set(records) == {str(path) for path in (*self.files, *self.faults)}
        rows = {table: self.lakehouse.rows(table) for table in TABLES[:3]}
        behind = {table: {row["record_id"]: row for row in rows[table]} for table in TABLES[1:3]}
        of_file = defaultdict(list)
        for row in rows[TABLES[0]]:
            of_file[row["source_file"]].append(row | {"rejected": behind[TABLES[2]].get(row["record_id"])})
        for path, file in self.files.items():
            is_cut = file.is_compressed and file.is_cut and path not in self.mended
            assert (records[str(path)].state == "set aside") == is_cut == (records[str(path)].error is not None)
            assert records[str(path)].rows == len(of_file[str(path)])
            _check_file(file, of_file[str(path)], behind[TABLES[1]], is_cut=is_cut)
        for path, fault in self.faults.items():
            state = "overwritten" if fault.name == "overwritten_file" and path in self.changed else "ingested"
            assert records[str(path)].state == ("set aside" if fault.sets_aside else state), fault.name
            assert (records[str(path)].error is not None) == (state == "overwritten" or fault.sets_aside), fault.name
            _check_fault(fault, of_file[str(path)])


def _check_file(
    file: MixedFile, rows: list[dict[str, Any]], silver: dict[str, dict[str, Any]], *, is_cut: bool
) -> None:
    texts = [row["_corrupt_record"] for row in rows if row["_corrupt_record"] is not None]
    by_mark = defaultdict(list)
    for row in rows:
        if row["_corrupt_record"] is None:
            by_mark[row["location"]].append(row)
    assert set(by_mark) <= set(file.marks)
    for mark, sent in zip(file.marks, file.sent, strict=True):
        found = len(by_mark[mark]) if KINDS[sent.kind].place != "corrupt" else sum(mark in text for text in texts)
        assert found == 1 or (is_cut and found <= 1), (sent, mark, texts)
        for row in by_mark[mark]:
            _check_row(sent, mark, row, silver)
    spoiled = [mark for mark, sent in zip(file.marks, file.sent, strict=True) if KINDS[sent.kind].place == "corrupt"]
    assert is_cut or all(any(mark in text for mark in spoiled) for text in texts), texts


def _check_row(sent: Sent, mark: str, row: dict[str, Any], silver: dict[str, dict[str, Any]]) -> None:
    kind = KINDS[sent.kind]
    rescued = json.loads(row["_rescued_data"] or "{}")
    assert rescued.pop("_file_path", row["source_file"]) == row["source_file"]
    if kind.wide is not None:
        key, value = kind.wide
        assert (rescued.pop(key, None) or row.get(key)) in {value, str(value)}
    assert set(rescued) == set(kind.rescued)
    whole = {key: value for key, value in sent.record(mark).items() if key not in kind.raw}
    assert {key: row[key] for key in whole} == whole
    assert all(row[key] is None for key in kind.rescued if key in sent.record(mark))
    if kind.place == "quarantine":
        assert kind.rule in row["rejected"]["failed_expectations"]
        return
    assert row["rejected"] is None
    clean = silver[row["record_id"]]
    assert [clean[key] for key in ("device_id", "location")] == [row["device_id"], mark]
    assert [clean[key] for key in ("temperature_celsius", "vibration_hz")] == [
        row["temperature_celsius"],
        row["vibration_hz"],
    ]


def _check_fault(fault: Fault, rows: list[dict[str, Any]]) -> None:
    good = [row for row in rows if row["_corrupt_record"] is None]
    if fault.good_records is not None:
        assert (len(good), len(rows) - len(good)) == (fault.good_records, fault.corrupt_records), fault.name
        rules = [row["rejected"]["failed_expectations"] for row in good if row["rejected"]]
        assert [fault.violates in failed for failed in rules] == [True] * (fault.violates is not None), fault.name


@pytest.mark.spark
@pytest.mark.slow
@settings(
    max_examples=3,
    derandomize=True,
    # To shrink would take minutes; what fails names the record and its file.
    phases=[Phase.generate],
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(_FILES, _FILES)
def test_updates_over_files_mixed_at_random_lose_no_good_record_and_show_each_bad_one(
    lakehouse: TestLakehouse, first: list[MixedFile | Fault], second: list[MixedFile | Fault]
) -> None:
    mixture = Mixture(lakehouse.beside(f"mixture {next(_number)}"))
    mixture.land(first)
    mixture.update()
    mixture.change()
    mixture.land(second)
    mixture.update()
