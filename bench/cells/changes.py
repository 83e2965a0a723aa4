"""Changes of keys: a change table against a MERGE that somebody writes by hand, over the same changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from bench.lake import warm
from bench.readings import NEWEST
from bench.result import Result
from bench.rivals import merges
from bench.stopwatch import alternating, seconds
from pipeline.delta.batch import Batch
from pipeline.delta.rows import SparkRows
from pipeline.flows.flows import flows_of
from pipeline.flows.open import open_lakehouse
from pipeline.foundation.clock import FixedClock
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

    from bench.lake import Bench
    from bench.size import Size
    from pipeline.delta.table import Table
    from pipeline.flows.flow import Flow

TARGETS = {1: 1.5, 2: 2.5}
_KEYS, _CHANGES = 1_000_000, 10_000
_PIPELINE = '''"""Changes of devices, and what they make."""

from pyspark.sql import DataFrame, SparkSession

from pipeline import change_table, read_files, table


@table
def changes() -> DataFrame:
    return read_files("changes", schema_hints="device_id STRING, number BIGINT, operation STRING, floor STRING, "
                      "model STRING, alarm_celsius DOUBLE")


@change_table(source="changes", keys=["device_id"], sequence_by="number", scd_type={scd_type},
              apply_as_deletes="operation = 'remove'", except_column_list=["number", "operation"])
def registry() -> None:
    """What each device is."""
'''


def against_merges(size: Size, scratch: Path) -> list[Result]:
    """Measure 10,000 changes of a million keys, with the newest rows kept and with their history."""
    with warm(scratch, size) as bench:
        return [_measured(bench, size, scd_type, target) for scd_type, target in TARGETS.items()]


def _measured(bench: Bench, size: Size, scd_type: int, target: float) -> Result:
    keys, count = (5_000, 500) if size.quick else (_KEYS, _CHANGES)
    plant = _Plant.built(bench, scd_type)
    plant.append(_rows(bench.spark.range(keys).withColumn("key", F.col("id")), 0))
    merge = merges.merge_versions if scd_type == 2 else merges.merge_newest  # noqa: PLR2004
    plant.drain_ours()
    merges.begin(plant.changes.read(bench.spark), plant.rival, scd_type=scd_type)
    plant.skip_theirs()

    def ours(number: int) -> float:
        plant.bring(keys, count, number)
        return seconds(plant.drain_ours)

    def theirs(number: int) -> float:
        plant.bring(keys, count, number)
        return seconds(lambda: plant.drain_theirs(merge))

    ours_seconds, theirs_seconds = alternating(size.warm_ups + size.runs(keys), ours, theirs)
    name = f"changes_type_{scd_type}"
    return Result.of(
        name,
        ours_seconds[size.warm_ups :],
        rival="MERGE by hand",
        theirs=theirs_seconds[size.warm_ups :],
        target=target,
    )


def _rows(ids: DataFrame, number: int) -> DataFrame:
    """Return a change for each key, as a table of read files has them."""
    text, moment = F.lit(None).cast("string"), F.lit(NEWEST)
    is_removed = F.lit(number > 0) & (F.col("key") % 50 == 0)
    return ids.select(
        F.expr("uuid()").alias("record_id"),
        F.format_string("D%07d", "key").alias("device_id"),
        F.lit(number).cast("bigint").alias("number"),
        F.when(is_removed, "remove").otherwise("set").alias("operation"),
        F.format_string("Floor %d", (F.col("key") + number) % 7).alias("floor"),
        F.format_string("Model %d", F.col("key") % 30).alias("model"),
        (F.lit(40.0) + F.col("key") % 9).alias("alarm_celsius"),
        text.alias("_rescued_data"), text.alias("_corrupt_record"), text.alias("source_file"),
        moment.alias("file_modification_time"), moment.alias("ingestion_timestamp"),
    )  # fmt: skip


@dataclass
class _Plant:
    """A home with changes, the change table's flow, and the rival's table."""

    spark: SparkSession
    flow: Flow
    changes: Table
    rival: Path
    rounds: set[int] = field(default_factory=set)

    @classmethod
    def built(cls, bench: Bench, scd_type: int) -> _Plant:
        folder = bench.scratch / f"registry-{scd_type}"
        (folder / "expectations").mkdir(parents=True, exist_ok=True)
        (folder / "registry.py").write_text(_PIPELINE.replace("{scd_type}", str(scd_type)), encoding="utf-8")
        file = folder / "bench.yml"
        file.write_text("name: B\nschema: bench\nsource: registry.py\nexpectations: expectations\n", encoding="utf-8")
        home = bench.home(f"registry-{scd_type}")
        lakehouse = open_lakehouse(bench.spark, home, load_settings(file), FixedClock(NEWEST))
        flow = next(flow for flow in flows_of(lakehouse).all if flow.node.name == "registry")
        return cls(bench.spark, flow, lakehouse.table("changes"), home.root / "rival")

    def append(self, rows: DataFrame) -> None:
        self.changes.append(SparkRows(rows), Batch("bench", "changes", "bench", len(self.rounds)))

    def bring(self, keys: int, count: int, number: int) -> None:
        """Add the changes of a round, unless the other one has."""
        if number in self.rounds:
            return
        self.rounds.add(number)
        ids = self.spark.range(count).withColumn("key", (F.col("id") * (keys // count) + number * 17) % keys)
        self.append(_rows(ids, number + 1))

    def drain_ours(self) -> None:
        """Have the change table take what is new."""
        flow = self.flow
        source = flow.source()
        assert source is not None

        def take(rows: DataFrame, number: int) -> None:
            flow.process(rows, Batch("bench", "registry", flow.position.flow_id(), number))

        merges.drain(source, take, self.flow.position.checkpoint())

    def drain_theirs(self, merge: Callable[..., None]) -> None:
        """Have the MERGE take what is new."""

        def take(rows: DataFrame, number: int) -> None:
            del number
            merge(rows, self.rival)

        merges.drain(self._stream(), take, self.rival.with_name("position"))

    def skip_theirs(self) -> None:
        """Have the rival pass over the first changes, which its table was begun with."""
        merges.drain(self._stream(), lambda *_: None, self.rival.with_name("position"))

    def _stream(self) -> DataFrame:
        return self.spark.readStream.format("delta").load(str(self.changes.path))
