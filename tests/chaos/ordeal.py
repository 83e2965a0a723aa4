"""A lakehouse whose updates are killed, and a record of what landed in it."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from generators.plant import Plant
from generators.scenarios import BATCH, LATE, SCHEMA_CHANGE
from pipeline.foundation.clock import SystemClock
from pipeline.foundation.fault_points import VARIABLE
from pipeline.foundation.limits import DEFAULT_LIMITS
from pipeline.home.places import CHECKOUT, Home
from pipeline.settings import load_settings
from pipeline.update.update import Update
from tests.conftest import TABLES, TestLakehouse, reading, settings_without_verdicts

if TYPE_CHECKING:
    import random

    from pyspark.sql import SparkSession

    from generators.readings import Landed
    from generators.scenarios import Scenario

KILLED = -9
_FULL_REFRESH = ("--full-refresh-all", "--yes")


@dataclass(frozen=True)
class Kill:
    """One way to kill an update.

    Attributes:
        point: A named point, in the form of the environment variable; None for a random moment.
        arguments: Options of the update's command.
        reads_again: Whether the update reads a file again.
        of_many: Whether the update has more rows than fit into its process.
    """

    point: str | None = None
    arguments: tuple[str, ...] = ()
    reads_again: bool = False
    of_many: bool = False

    def __str__(self) -> str:
        return " ".join([self.point or "a random moment", *self.arguments])


NAMED = (
    Kill("discovery"),
    Kill("parse:3"),
    Kill("committed:1"),
    Kill("files-written:2", of_many=True),
    Kill("before-quarantine"),
    Kill("committed:2"),
    Kill("committed:3"),
    Kill("merge::100"),
    Kill("event-log-write:2"),
    Kill("full-refresh:1", _FULL_REFRESH),
    Kill("reprocess", reads_again=True),
    Kill("event-log-write:4:3"),
    Kill("merge::500"),
    Kill("full-refresh:3", _FULL_REFRESH),
    Kill("committed:1", _FULL_REFRESH),
)


@dataclass
class Ordeal:
    """Lands files, runs and kills updates, and compares the tables with the files that landed."""

    home: Home
    dice: random.Random
    sent: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    missing_device_id: int = 0
    seconds: float = 12.0

    @property
    def lakehouse(self) -> TestLakehouse:
        """The tables, read without Spark."""
        return TestLakehouse(cast("Any", None), self.home, cast("Any", SystemClock()))

    def land(self, scenario: Scenario | None = None) -> None:
        """Land files of a scenario, or of one that is chosen randomly."""
        plant = Plant(self.home.landing / "sensor_readings", SystemClock(), seed=self.dice.randrange(10**6))
        chosen = scenario or self.dice.choice((BATCH, BATCH, LATE, SCHEMA_CHANGE))
        self._take_down(plant.land(chosen, files=self.dice.randint(3, 5), records=100))

    def land_many(self) -> None:
        """Land more readings than a batch may have to be computed and committed in one process."""
        plant = Plant(self.home.landing / "sensor_readings", SystemClock(), seed=self.dice.randrange(10**6))
        self._take_down(plant.batch(files=4, records=DEFAULT_LIMITS.few_rows // 4 + 10))

    def land_broken(self) -> Path:
        """Land a file that no reader can open, and return where it is."""
        name = f"broken-{len(self.sent)}.json.gz"
        self.sent[name] = []
        return self.lakehouse.land(name, b"this is not gzip")

    def mend(self, broken: Path) -> None:
        """Replace a broken file with a good one."""
        records = [reading(f"MFG-A-{1000 + number}") for number in range(10)]
        self.sent[broken.name] = records
        self.lakehouse.land(broken.name, gzip.compress(json.dumps(records).encode()))

    def run(self, *arguments: str, fault: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run an update to its end, whether it succeeds or not."""
        begun = time.monotonic()
        with self.start(*arguments, fault=fault) as process:
            output, errors = process.communicate(timeout=300)
        if process.returncode == 0:
            self.seconds = time.monotonic() - begun
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def recover(self, spark: SparkSession) -> None:
        """Run an update in a session that outlived the kill, as the page has one; it has to complete."""
        settings = load_settings(settings_without_verdicts(self.home))
        result = Update(self.home, settings, SystemClock(), lambda: spark, cause="TEST").run()
        assert result.state == "COMPLETED", result

    def kill(self, kill: Kill) -> None:
        """Run an update and kill it."""
        if kill.point is not None:
            ended = self.run(*kill.arguments, fault=kill.point)
            # An update may end before a wait does.
            has_ended_before = kill.point.count(":") > 1 and ended.returncode == 0
            assert ended.returncode == KILLED or has_ended_before, (
                f"{kill} was never reached: {ended.stdout}{ended.stderr}"
            )
            return
        with self.start(*kill.arguments) as process:
            time.sleep(self.dice.uniform(0.5, self.seconds))
            process.kill()

    def check(self) -> None:
        """Compare the tables with the files that landed, and with each other."""
        lakehouse = self.lakehouse
        lakehouse.assert_invariants()
        stored: dict[str, Counter[str]] = {name: Counter() for name in self.sent}
        for row in lakehouse.rows(TABLES[0]):
            stored[Path(row["source_file"]).name][_values_of(row)] += 1
        assert stored == {name: Counter(map(_values_of, records)) for name, records in self.sent.items()}
        assert len(lakehouse.rows(TABLES[2], "record_id")) == self.missing_device_id
        assert {Path(path).name for path in lakehouse.files()} == set(self.sent)
        self._check_sums()

    def is_all_read(self) -> bool:
        """Return whether gold counts all readings that landed, except those without a device."""
        rows = self.lakehouse.rows(TABLES[3], "reading_count")
        return bool(sum(row["reading_count"] for row in rows) == self._valid_readings())

    def start(self, *arguments: str, fault: str | None = None) -> subprocess.Popen[str]:
        """Start an update, or one of the modes that run until stopped."""
        settings = ("--pipeline", str(settings_without_verdicts(self.home)))
        command = [sys.executable, "-m", "pipeline", "run", "--json", "--home", str(self.home.root), *settings]
        command += arguments
        environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
        if fault is not None:
            environment[VARIABLE] = fault
        return subprocess.Popen(
            command, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def _check_sums(self) -> None:
        """Compare the sums of written, deleted and dropped rows over all events with the rows in the tables."""
        bronze, silver, quarantine, *_ = TABLES
        metrics = {table: self.lakehouse.metrics(table) for table in TABLES}
        stored = {table: len(self.lakehouse.rows(table)) for table in TABLES}
        deleted = {table: _sum(metrics[table], "num_deleted_rows") for table in TABLES}
        assert {table: _sum(metrics[table], "num_output_rows") - deleted[table] for table in TABLES} == stored
        dropped = _sum(metrics[silver], "num_dropped_rows")
        assert dropped - deleted[quarantine] == stored[quarantine]
        read = _sum(metrics[silver], "num_input_rows")
        assert read == _sum(metrics[silver], "num_output_rows") + dropped == _sum(metrics[bronze], "num_output_rows")
        verdicts = self.lakehouse.quality(silver)
        assert _sum(verdicts, "dropped_records") == dropped
        rules = [rule for verdict in verdicts for rule in verdict["expectations"] if rule["scope"] == "row"]
        judged = {rule["name"]: 0 for rule in rules}
        for rule in rules:
            judged[rule["name"]] += rule["passed_records"] + rule["failed_records"]
        assert judged == dict.fromkeys(judged, read)
        assert _sum([rule for rule in rules if rule["name"] == "valid_device_id"], "failed_records") == dropped

    def _valid_readings(self) -> int:
        return sum(map(len, self.sent.values())) - self.missing_device_id

    def _take_down(self, landed: Landed) -> None:
        self.missing_device_id += landed.missing_device_id
        for file in landed.files:
            self.sent[file.name] = json.loads(file.read_text(encoding="utf-8"))


def _sum(details: list[dict[str, Any]], name: str) -> int:
    return sum(item.get(name, 0) for item in details)


def _values_of(record: dict[str, Any]) -> str:
    names = ("device_id", "timestamp", "temperature_celsius", "vibration_hz", "location", "humidity_percent")
    return json.dumps([record.get(name) for name in names])
