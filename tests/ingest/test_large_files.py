"""Two files of 200 MB, one of lines and one that is an array on one line, through one update; prints time and memory."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable

from pipeline.delta.reading import rows_of
from pipeline.foundation.clock import SystemClock
from pipeline.home.places import CHECKOUT, Home
from tests.conftest import TABLES, TestLakehouse

if TYPE_CHECKING:
    from typing import Any

pytestmark = [pytest.mark.bench, pytest.mark.spark]

BYTES = 200 * 1000**2
# What a reader that holds one file as Python objects would exceed several times over.
MOST_MEGABYTES = {"driver": 600, "jvm": 4000, "worker": 600}


class Peaks:
    """The greatest resident memory that a process and each of its children ever had, in megabytes by kind."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._kilobytes: dict[tuple[str, int], int] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def close(self) -> dict[str, int]:
        self._over.set()
        self._thread.join()
        greatest: dict[str, int] = defaultdict(int)
        for (kind, _), kilobytes in self._kilobytes.items():
            greatest[kind] = max(greatest[kind], kilobytes // 1000)
        return dict(greatest)

    def _watch(self) -> None:
        while not self._over.wait(0.5):
            self._look(self._pid)

    def _look(self, pid: int) -> None:
        with suppress(OSError, KeyError):
            facts = dict(
                line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
            )
            kind = "jvm" if facts["Name"].strip() == "java" else "driver" if pid == self._pid else "worker"
            self._kilobytes[kind, pid] = int(facts["VmHWM"].split()[0])
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                for child in children.read_text(encoding="utf-8").split():
                    self._look(int(child))


def land(lakehouse: TestLakehouse, name: str, opening: str, between: str, closing: str) -> int:
    """Land a file of so many bytes, and return how many readings it holds."""
    file = lakehouse.land(name, "")
    rows = 0
    with file.open("w", encoding="utf-8") as stream:
        written = stream.write(opening)
        while written < BYTES:
            record = {
                "device_id": f"MFG-A-{1000 + rows % 10}",
                "timestamp": f"2026-03-01T{rows // 3600 % 24:02}:{rows // 60 % 60:02}:{rows % 60:02}",
                "temperature_celsius": 20 + rows % 150 / 10,
                "vibration_hz": 0.3,
                "location": "Factory Floor A",
            }
            written += stream.write((between if rows else "") + json.dumps(record))
            rows += 1
        stream.write(closing)
    return rows


def test_two_files_of_two_hundred_megabytes_arrive_whole_within_the_memory_of_a_small_machine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Home(tmp_path / "a home")
    lakehouse = TestLakehouse(cast("Any", None), home, cast("Any", SystemClock()))
    sent = {
        "lines.json": land(lakehouse, "lines.json", "", "\n", "\n"),
        "array.json": land(lakehouse, "array.json", "[", ",", "]"),
    }
    begun = time.monotonic()
    command = [sys.executable, "-m", "pipeline", "run", "--json", "--home", str(home.root)]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        peaks = Peaks(process.pid)
        output, errors = process.communicate(timeout=1800)
    seconds, megabytes = time.monotonic() - begun, peaks.close()
    with capsys.disabled():
        sys.stdout.write(f"\n{sum(sent.values()):,} readings in {seconds:.0f} s; peak megabytes: {megabytes}\n")
    assert process.returncode == 0, output + errors
    bronze, silver, quarantine, gold, _ = (DeltaTable(lakehouse.path(table)) for table in TABLES)
    files = rows_of(bronze, ["source_file", "record_id", "_corrupt_record", "_rescued_data"])
    assert {
        Path(row["values"]).name: row["counts"] for row in pc.value_counts(files["source_file"]).to_pylist()
    } == sent
    assert pc.count_distinct(files["record_id"]).as_py() == sum(sent.values())
    assert files["_corrupt_record"].null_count == files["_rescued_data"].null_count == sum(sent.values())
    assert (silver.count(), quarantine.count()) == (sum(sent.values()), 0)
    assert pc.sum(rows_of(gold, ["reading_count"])["reading_count"]).as_py() == sum(sent.values())
    assert {kind: megabytes[kind] < most for kind, most in MOST_MEGABYTES.items()} == dict.fromkeys(
        MOST_MEGABYTES, True
    )
