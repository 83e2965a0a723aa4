"""Files that Spark's own readers read: their types, each row once, and what cannot be read set aside."""

from __future__ import annotations

import gzip
import hashlib
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.declare.files_source import FilesSource
from pipeline.ingest.reader import FileOutcome, Plan
from pipeline.ingest.spark_files import read_through_by_spark

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyspark.sql import SparkSession

    from tests.conftest import TestLakehouse

    Things = Callable[[str], TestLakehouse]

pytestmark = pytest.mark.spark
AT = datetime(2026, 3, 1, 10, tzinfo=UTC)


def land(lakehouse: TestLakehouse, name: str, **columns: list[Any] | pa.Array) -> Path:
    """Land a Parquet file, or write it anew."""
    file = lakehouse.home.landing / "things" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), file)
    return file


def rows(lakehouse: TestLakehouse, *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in columns) for row in lakehouse.rows("things", *columns)]


def states(lakehouse: TestLakehouse) -> dict[str, tuple[str, int]]:
    return {path.rsplit("/", 1)[-1]: (file.state, file.rows) for path, file in lakehouse.files("things").items()}


def test_columns_of_a_parquet_file_have_the_types_of_the_file(things: Things) -> None:
    lakehouse = things('format="parquet", schema_hints="note STRING"')
    price = pa.array([Decimal("1.10")], pa.decimal128(6, 2))
    file = land(
        lakehouse, "a b+%41.parquet", id=["1"], n=[2**60], price=price, at=pa.array([AT], pa.timestamp("us", "UTC")),
        day=[date(2026, 3, 1)], ok=[True], raw=[b"\x00"], tags=[["x", "y"]], place=[{"line": 7}],
    )  # fmt: skip
    assert lakehouse.update().state == "COMPLETED"
    (row,) = lakehouse.rows("things")
    assert {name: row[name] for name in ("id", "n", "price", "at", "day", "ok", "raw", "tags", "place", "note")} == {
        "id": "1", "n": 2**60, "price": Decimal("1.10"), "at": AT, "day": date(2026, 3, 1), "ok": True, "raw": b"\x00",
        "tags": ["x", "y"], "place": {"line": 7}, "note": None,
    }  # fmt: skip
    assert (row["_rescued_data"], row["_corrupt_record"], row["source_file"]) == (None, None, str(file))
    (record,) = lakehouse.files("things").values()
    assert (record.state, record.rows) == ("ingested", 1)
    assert record.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert record.modified_at == row["file_modification_time"]


def test_file_that_spark_cannot_read_is_set_aside_and_the_others_are_ingested(things: Things) -> None:
    lakehouse = things('format="parquet"')
    for number in range(3):
        land(lakehouse, f"{number}.parquet", id=[str(number)] * (number + 1))
    lakehouse.land("no.parquet", b"PAR1 and nothing else", folder="things")
    whole = land(lakehouse, "cut.parquet", id=[str(number) for number in range(5000)])
    damaged = bytearray(whole.read_bytes())
    damaged[40:4000] = bytes(3960)
    whole.write_bytes(damaged)
    assert lakehouse.update().state == "COMPLETED"
    assert states(lakehouse) == {
        "0.parquet": ("ingested", 1), "1.parquet": ("ingested", 2), "2.parquet": ("ingested", 3),
        "no.parquet": ("set aside", 0), "cut.parquet": ("set aside", 0),
    }  # fmt: skip
    assert rows(lakehouse, "id") == [("0",), ("1",), ("1",), ("2",), ("2",), ("2",)]
    assert len({row["record_id"] for row in lakehouse.rows("things")}) == 6
    assert lakehouse.counted_by_events("things") == {"things": 6}


def test_column_that_a_later_file_brings_is_added_and_what_does_not_fit_is_rescued(things: Things) -> None:
    lakehouse = things('format="parquet", schema_hints="id STRING, amount DOUBLE"')
    land(lakehouse, "a.parquet", id=["1"], amount=[1.5])
    lakehouse.update()
    land(lakehouse, "b.parquet", id=[2], amount=["many"], later=[7], **{"odd name!": ["x"]})
    lakehouse.update()
    assert rows(lakehouse, "id", "amount", "later") == [("1", 1.5, None), ("2", None, 7)]
    rescued = lakehouse.rows("things", "id", "_rescued_data", "source_file")[1]
    found = {"amount": "many", "odd name!": "x", "_file_path": rescued["source_file"]}
    assert json.loads(rescued["_rescued_data"]) == found


@pytest.mark.slow
def test_parquet_files_are_refreshed_reprocessed_and_partitioned_as_others_are(things: Things) -> None:
    lakehouse = things('format="parquet", partition_columns="day"')
    land(lakehouse, "day=1/a.parquet", id=["1", "2"])
    again = land(lakehouse, "b.parquet", id=["3"])
    lakehouse.update()
    ids = {row["id"]: row["record_id"] for row in lakehouse.rows("things", "id", "record_id")}
    assert rows(lakehouse, "id", "day") == [("1", "1"), ("2", "1"), ("3", None)]
    assert lakehouse.update(reprocess_files=("a.parquet",)).state == "COMPLETED"
    assert {row["id"]: row["record_id"] for row in lakehouse.rows("things", "id", "record_id")} == ids
    again.write_bytes(again.read_bytes())
    assert lakehouse.update().state == "COMPLETED"
    assert lakehouse.update(full_refresh_all=True).state == "COMPLETED"
    assert rows(lakehouse, "id", "day") == [("1", "1"), ("2", "1"), ("3", None)]
    assert set(states(lakehouse).values()) == {("ingested", 2), ("ingested", 1)}


@pytest.mark.parametrize("form", ["orc", "avro"])
def test_orc_and_avro_are_read_with_their_types(things: Things, tmp_path: Path, form: str) -> None:
    lakehouse = things(f'format="{form}"')
    frame = lakehouse.spark.sql("SELECT '1' AS id, 1.5D AS amount, timestamp'2026-03-01 10:00:00' AS at")
    frame.coalesce(1).write.format(form).save(str(tmp_path / "written"))
    (written,) = (tmp_path / "written").glob(f"*.{form}")
    lakehouse.land(f"a.{form}", written.read_bytes(), folder="things")
    lakehouse.land(f"b.{form}", b"no such file", folder="things")
    assert lakehouse.update().state == "COMPLETED"
    assert rows(lakehouse, "id", "amount", "at") == [("1", 1.5, AT)]
    assert states(lakehouse) == {f"a.{form}": ("ingested", 1), f"b.{form}": ("set aside", 0)}


def test_binary_files_of_any_name_are_a_row_each(things: Things) -> None:
    lakehouse = things('format="binaryFile"')
    file = lakehouse.land("photo of a pump.jpg", b"\xff\xd8", folder="things")
    lakehouse.land("below/b.bin", b"x", folder="things")
    assert lakehouse.update().state == "COMPLETED"
    assert rows(lakehouse, "content", "length", "path") == [(b"\xff\xd8", 2, f"file:{file}")]
    assert states(lakehouse) == {file.name: ("ingested", 1)}


def test_texts_of_xml_elements_get_the_types_of_their_batch_and_keep_their_digits(things: Things) -> None:
    lakehouse = things('format="xml", row_tag="r", schema_hints="id STRING, at STRUCT<x: INT>"')
    lakehouse.land(
        "a.xml", '<rs><r k="a"><id>007</id><v>1.10</v></r><r><at><x>1</x></at><r/></r></rs>', folder="things"
    )
    lakehouse.land("b.xml.gz", gzip.compress("<rs><r><id>é</id><at><x>1.5</x></at></r></rs>".encode()), folder="things")
    lakehouse.land("cut.xml", "<rs><r><id>1</id></r>", folder="things")
    lakehouse.land("broken.xml", "<rs><r><id>1</id></r><r><id></r></rs>", folder="things")
    lakehouse.land("none.xml", "<rs/>", folder="things")
    assert lakehouse.update().state == "COMPLETED"
    assert sorted(rows(lakehouse, "id", "v", "at", "_k"), key=repr) == [
        ("007", 1.1, None, "a"), ("é", None, None, None), (None, None, {"x": 1}, None),
    ]  # fmt: skip
    assert states(lakehouse) == {
        "a.xml": ("ingested", 2), "b.xml.gz": ("ingested", 1), "cut.xml": ("set aside", 0),
        "broken.xml": ("set aside", 0), "none.xml": ("ingested", 0),
    }  # fmt: skip
    (misfit,) = [row for row in lakehouse.rows("things", "id", "_rescued_data") if row["id"] == "é"]
    assert json.loads(misfit["_rescued_data"])["at"] == {"x": "1.5"}


def test_column_gets_a_type_for_all_files_of_a_batch_in_any_order(things: Things) -> None:
    lakehouse = things('format="parquet"')
    small, large = pa.array([7], pa.int32()), pa.array([2**60 + 1], pa.int64())
    land(lakehouse, "a.parquet", id=[1], whole=small, number=small, text=large)
    land(lakehouse, "b.parquet", id=[2], whole=large, number=pa.array([0.1], pa.float32()), text=[0.5])
    assert lakehouse.update().state == "COMPLETED"
    assert rows(lakehouse, "id", "whole", "number", "text", "_rescued_data") == [
        (1, 7, 7.0, "1152921504606846977", None), (2, 2**60 + 1, 0.1, "0.5", None),
    ]  # fmt: skip


def test_names_of_files_may_look_like_patterns_and_addresses(things: Things) -> None:
    lakehouse = things('format="parquet", recursive_file_lookup=True')
    names = ["[a-z]*.parquet", "id=9/a.parquet", "t=10:00/a.parquet", "w%20o?i#r{d} é\\.parquet"]
    paths = [str(land(lakehouse, name, id=[name])) for name in names]
    land(lakehouse, "10:00.parquet", id=["no"])
    assert lakehouse.update().state == "COMPLETED"
    assert rows(lakehouse, "id", "source_file") == list(zip(names, paths, strict=True))
    assert states(lakehouse)["10:00.parquet"] == ("set aside", 0)


def test_types_of_files_may_be_left_aside_and_technical_names_are_rescued(things: Things) -> None:
    lakehouse = things('format="parquet", infer_column_types="none"')
    moment = pa.array([datetime(2026, 3, 1, 10)], pa.timestamp("us"))  # noqa: DTZ001 - a moment without a zone
    land(lakehouse, "a.parquet", n=[1], at=moment, _corrupt_record=["x"], source_file=["y"])
    assert lakehouse.update().state == "COMPLETED"
    assert rows(lakehouse, "n", "at", "_corrupt_record") == [("1", "2026-03-01T10:00:00.000000Z", None)]
    rescued = json.loads(lakehouse.rows("things", "_rescued_data")[0]["_rescued_data"])
    assert (rescued["_corrupt_record"], rescued["source_file"]) == ("x", "y")


def test_new_columns_stop_the_flow_or_are_rescued_where_the_source_says_so(things: Things) -> None:
    lakehouse = things('format="parquet", schema_hints="id BIGINT", schema_evolution_mode="failOnNewColumns"')
    land(lakehouse, "a.parquet", id=[1], more=[2])
    assert lakehouse.update().state == "FAILED"
    lakehouse = things('format="parquet", schema_hints="id BIGINT", schema_evolution_mode="rescue"')
    assert lakehouse.update().state == "COMPLETED"
    (row,) = lakehouse.rows("things")
    assert (row["id"], "more" in row, json.loads(row["_rescued_data"])["more"]) == (1, False, 2)


def test_file_of_a_batch_that_was_cut_short_is_judged_as_when_it_was_read(spark: SparkSession, tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole.parquet", tmp_path / "cut.parquet"
    pq.write_table(pa.table({"id": [str(number) for number in range(5000)]}), whole)
    damaged = bytearray(whole.read_bytes())
    damaged[40:4000] = bytes(3960)
    cut.write_bytes(damaged)
    plan = Plan(FilesSource(path="things", format="parquet"), (), folder=str(tmp_path))
    found = read_through_by_spark(spark, FileOutcome(str(whole), rows=5000), plan)
    assert (found.rows, found.sha256, found.error) == (5000, hashlib.sha256(whole.read_bytes()).hexdigest(), None)
    found = read_through_by_spark(spark, FileOutcome(str(cut)), plan)
    assert found.sha256 is None
    assert found.error is not None
