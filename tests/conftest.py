"""What tests share: one Spark session, and lakehouses in folders of their own."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import yaml
from deltalake import DeltaTable

from pipeline.delta.table import Table
from pipeline.foundation.clock import FixedClock
from pipeline.foundation.limits import DEFAULT_LIMITS, Limits
from pipeline.home.places import Home
from pipeline.ingest.file_state import FileRecord, FileState
from pipeline.quality.suites import CACHE_VARIABLE
from pipeline.selection import Selection
from pipeline.settings import DEFAULT_SETTINGS, load_settings
from pipeline.spark.session import build_session
from pipeline.spark_settings import SparkSettings
from pipeline.update.update import Update

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyspark.sql import SparkSession

    from pipeline.quality.tables.table_judge import TableJudge
    from pipeline.update.result import UpdateResult

os.environ["TZ"] = "UTC"
time.tzset()
# PySpark ends a process whose main module is of no file, which is how a worker of pytest-xdist looks.
vars(sys.modules["__main__"]).setdefault("__file__", pytest.__file__)

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TABLES = (
    "bronze_sensor_readings",
    "silver_cleaned_sensors",
    "silver_quarantined_sensors",
    "gold_hourly_device_summary",
    "gold_device_status",
)


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    home = Home(tmp_path_factory.mktemp("spark home"))
    os.environ[CACHE_VARIABLE] = str(home.root / "cache")
    # A handful of rows is one partition's work.
    one_partition = {"spark.sql.shuffle.partitions": "1", "spark.databricks.delta.snapshotPartitions": "1"}
    # Hundreds of updates in one JVM repay the thorough compiler.
    settings = SparkSettings(driver_memory="2g", cores=2, compiler="thorough", configuration=one_partition)
    session = build_session(home, settings)
    yield session
    session.stop()


def settings_without_verdicts(home: Home) -> Path:
    """Return the shipped settings, but for the verdicts on whole tables, which take most of a command's time.

    The file lies beside the home.
    """
    settings: dict[str, Any] = yaml.safe_load(DEFAULT_SETTINGS.read_text(encoding="utf-8"))
    settings["table_expectations"] = "on_request"
    for key in ("source", "expectations"):
        settings[key] = str((DEFAULT_SETTINGS.parent / settings[key]).resolve())
    file = home.root.with_name("settings.yml")
    file.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return file


@dataclass
class TestLakehouse:
    """A lakehouse whose landing zone a test fills, and whose tables it reads without Spark."""

    __test__ = False

    spark: SparkSession
    home: Home
    clock: FixedClock
    settings_file: Path = DEFAULT_SETTINGS
    # Great Expectations takes seconds to import: the tests of whole tables ask for it.
    table_expectations: Literal["after_update", "on_request"] = "on_request"
    table_expectations_rows: int = 1_000_000
    judge: TableJudge | None = None
    waits: list[float] = field(default_factory=list)
    limits: Limits = DEFAULT_LIMITS

    def land(self, name: str, content: str | bytes | list[dict[str, Any]], folder: str = "sensor_readings") -> Path:
        file = self.home.landing / folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, list):
            content = json.dumps(content)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def running(self, folder: Path, code: str, schema: str, name: str) -> TestLakehouse:
        """Return the lakehouse with another pipeline, which is written into a folder and has no suites yet."""
        (folder / f"{name}.py").write_text(code, encoding="utf-8")
        (folder / "suites").mkdir()
        settings = folder / f"{name}.yml"
        text = f"name: {name}\nschema: {schema}\nsource: {name}.py\nexpectations: suites\n"
        settings.write_text(text, encoding="utf-8")
        return replace(self, settings_file=settings)

    def update(self, **selection: Any) -> UpdateResult:
        names = ("table_expectations", "table_expectations_rows")
        own = {name: getattr(self, name) for name in names}
        settings = load_settings(self.settings_file).model_copy(update=own)
        update = Update(
            self.home, settings, self.clock, lambda: self.spark, cause="TEST", sleep=self.waits.append, judge=self.judge,
            limits=self.limits,
        )  # fmt: skip
        return update.run(Selection(**selection))

    def path(self, table: str) -> Path:
        return self.home.table(load_settings(self.settings_file).target_schema, table).data

    def rows(self, table: str, *columns: str, by: str | None = None) -> list[dict[str, Any]]:
        if not Table(self.path(table)).exists:
            return []
        rows = Table(self.path(table)).rows(list(columns) or None)
        return sorted(rows.to_pylist(), key=lambda row: str(row[by or rows.column_names[0]]))

    def columns(self, table: str) -> list[str]:
        return [field.name for field in DeltaTable(self.path(table)).schema().fields]

    def version(self, table: str) -> int:
        return Table(self.path(table)).version()

    def beside(self, name: str) -> TestLakehouse:
        """Return another lakehouse, of this name."""
        return replace(self, home=Home(self.home.root.with_name(name)))

    def logged(self, event_type: str, dataset: str | None = None) -> list[dict[str, Any]]:
        """Return the details of the events of a type, of one dataset if given, in the order in which they were emitted."""
        events = self.rows("event_log", "sequence", "origin", "details", "event_type", by="sequence")
        return [
            json.loads(event["details"])[event_type]
            for event in events
            if event["event_type"] == event_type and dataset in {None, event["origin"]["dataset_name"]}
        ]

    def metrics(self, table: str) -> list[dict[str, Any]]:
        return [details["metrics"] for details in self.logged("flow_progress", table) if "metrics" in details]

    def quality(self, table: str) -> list[dict[str, Any]]:
        return [details["data_quality"] for details in self.logged("flow_progress", table) if "data_quality" in details]

    def counted_by_events(self, *tables: str) -> dict[str, int]:
        return {
            table: sum(metrics["num_output_rows"] - metrics["num_deleted_rows"] for metrics in self.metrics(table))
            for table in tables
        }

    def files(self, table: str = TABLES[0]) -> dict[str, FileRecord]:
        schema = load_settings(self.settings_file).target_schema
        return FileState(self.home.table(schema, table).file_state).current()

    def assert_invariants(self) -> None:
        """The promises that hold after every completed update."""
        bronze, silver, quarantine = (
            self._columns(table, "record_id")["record_id"].to_pylist() for table in TABLES[:3]
        )
        assert len(set(bronze)) == len(bronze) == len(silver) + len(quarantine)
        assert {*silver, *quarantine} == set(bronze)
        assert self._gold() == self._expected_gold()
        assert self.rows("gold_device_status") == self._expected_status()
        gold, status = (len(self._columns(table, "device_id")) for table in TABLES[3:])
        counts = (len(bronze), len(silver), len(quarantine), gold, status)
        assert self.counted_by_events(*TABLES) == dict(zip(TABLES, counts, strict=True))

    def _columns(self, table: str, *columns: str) -> pa.Table:
        """Return a table's rows without a Python object for each: chaos has millions."""
        if not Table(self.path(table)).exists:
            return pa.table({column: pa.array([], pa.string()) for column in columns})
        return Table(self.path(table)).rows(list(columns))

    def _expected_status(self) -> list[dict[str, Any]]:
        first = (
            "event_timestamp",
            "ingestion_timestamp",
            "temperature_celsius",
            "vibration_hz",
            "location",
            "record_id",
        )
        silver = self._columns("silver_cleaned_sensors", "device_id", *first)
        # A descending order has NULL last, as the least value.
        keys = [("device_id", "ascending"), *((name, "descending") for name in first)]
        ordered = silver.take(pc.sort_indices(silver, sort_keys=keys))
        devices = ordered["device_id"].to_pylist()
        changes = [at for at, device in enumerate(devices) if at == 0 or device != devices[at - 1]]
        newest: list[dict[str, Any]] = ordered.take(pa.array(changes, pa.int64())).to_pylist()
        return newest

    def _gold(self) -> dict[Any, Any]:
        rows = self.rows("gold_hourly_device_summary")
        keyed = {
            (row["device_id"], row["location"], row["window_start"]): (
                row["reading_count"],
                row["max_temp"],
                pytest.approx(row["avg_temp"], rel=1e-9) if row["avg_temp"] is not None else None,
            )
            for row in rows
        }
        assert len(keyed) == len(rows)
        return keyed

    def _expected_gold(self) -> dict[Any, Any]:
        silver = self._columns(
            "silver_cleaned_sensors", "device_id", "location", "event_timestamp", "temperature_celsius"
        )
        if not len(silver):
            return {}
        hours = pc.floor_temporal(silver["event_timestamp"], unit="hour")
        keys = ("device_id", "location", "hour")
        grouped = silver.append_column("hour", hours).group_by(keys)
        found = grouped.aggregate([([], "count_all"), ("temperature_celsius", "max"), ("temperature_celsius", "mean")])
        return {
            tuple(row[key] for key in keys): (
                row["count_all"],
                row["temperature_celsius_max"],
                row["temperature_celsius_mean"],
            )
            for row in found.to_pylist()
        }


@pytest.fixture
def lakehouse(spark: SparkSession, tmp_path: Path) -> TestLakehouse:
    return TestLakehouse(spark, Home(tmp_path / "a home"), FixedClock(NOON))


def reading(device: str | None = "MFG-A-1000", *, at: Any = "2026-03-01T11:30:00", **values: Any) -> dict[str, Any]:
    """Return a reading that every rule passes, unless a value says otherwise."""
    record: dict[str, Any] = {
        "timestamp": at,
        "temperature_celsius": 30.0,
        "vibration_hz": 0.3,
        "location": "Factory Floor A",
        **values,
    }
    return record if device is None else {"device_id": device, **record}


_TWO_TABLES = """
from pipeline import read_files, read_stream, table


@table
def raw():
    return read_files("lines", schema_hints="id STRING", max_files_per_trigger=1)


@table
def copied():
    return read_stream("raw")
"""


@pytest.fixture
def lines(lakehouse: TestLakehouse, tmp_path: Path) -> TestLakehouse:
    """A lakehouse of another pipeline: `raw` takes a file a batch from the folder `lines`, `copied` takes its rows."""
    return lakehouse.running(tmp_path, _TWO_TABLES, "lines", "lines")


@pytest.fixture
def many(lakehouse: TestLakehouse) -> None:
    """Have every batch taken for one of many rows: workers read and write it, and what it needs is read once more."""
    lakehouse.limits = Limits(few_rows=0, driver_bytes=0)


@pytest.fixture(params=["few", "many"])
def amount(request: pytest.FixtureRequest) -> str:
    """Rows taken for what they are, a few, and then for many."""
    if request.param == "many":
        request.getfixturevalue("many")
    return str(request.param)
