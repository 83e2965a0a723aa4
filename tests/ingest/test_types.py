"""Columns of every type: declared or found, read in the driver or by workers, and passed on to other tables."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from pipeline.foundation.limits import Limits
from tests.conftest import reading

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import TestLakehouse

pytestmark = pytest.mark.spark

_HINTS = (
    "id STRING, big BIGINT, whole INT, small SMALLINT, tiny TINYINT, ratio FLOAT, exact DOUBLE, price DECIMAL(20,4), "
    "flag BOOLEAN, day DATE, at TIMESTAMP, raw BINARY, pos STRUCT<lat: DOUBLE, marks: ARRAY<STRUCT<at: TIMESTAMP, n: INT>>>, "
    "tags ARRAY<STRING>, limits MAP<STRING, DECIMAL(10,2)>"
)
_MODULE = """
from datetime import timedelta
from pyspark.sql import functions as F
from pipeline import materialized_view, read, read_files, read_quarantine, read_stream, table

@table
def raw_things():
    return read_files("things", schema_hints="{hints}")

@table(expectations="clean", quarantine="rejected_things")
def clean_things():
    return read_stream("raw_things")

@table
def rejected_things():
    return read_quarantine("clean_things")

@materialized_view
def newest():
    return read("clean_things").groupBy("id").agg(
        F.max("price").alias("price"), F.max("at").alias("at"), F.first("pos").alias("pos"), F.first("limits").alias("limits")
    )
"""
_SUITE = """{"name": "clean", "expectations": [{"type": "expect_column_values_to_not_be_null",
"kwargs": {"column": "big"}, "meta": {"name": "has_big", "action": "drop", "why": "x"}}], "meta": {}, "notes": null}"""

SENT: dict[str, Any] = {
    "id": "1", "big": 2**63 - 1, "whole": -7, "small": 32767, "tiny": -128, "ratio": 0.1, "exact": 1.5, "flag": True,
    "day": "2026-11-30", "at": "2026-11-30T10:00:00.000001+01:00", "raw": "AAEC",
    "pos": {"lat": 52.5, "marks": [{"at": "2026-11-30 10:00:00", "n": 1}, {}, None]}, "tags": ["a", 5, {"b": 1.5}],
    "limits": {"high": 1.5, "low": None},
}  # fmt: skip
HELD: dict[str, Any] = {
    **SENT, "ratio": pytest.approx(0.1), "price": Decimal("12345678901234.5678"), "day": date(2026, 11, 30),
    "at": datetime(2026, 11, 30, 9, 0, 0, 1, tzinfo=UTC), "raw": b"\x00\x01\x02",
    "pos": {"lat": 52.5, "marks": [{"at": datetime(2026, 11, 30, 10, tzinfo=UTC), "n": 1}, {"at": None, "n": None}, None]},
    "tags": ["a", "5", '{"b":1.5}'], "limits": [("high", Decimal("1.50")), ("low", None)],
}  # fmt: skip
MISFITS: dict[str, Any] = {
    "id": "2", "big": 2**63, "whole": 2**31, "small": 1.5, "tiny": 128, "ratio": 16777217, "exact": "1.5d",
    "price": 0.00001, "flag": "yes", "day": "2026-02-30", "at": "2026-11-30T10:00:00.123456789Z", "raw": "not base64",
    "pos": {"lat": "x"}, "tags": "a", "limits": {"high": 1.234},
}  # fmt: skip


@pytest.fixture
def typed(lakehouse: TestLakehouse, tmp_path: Path) -> TestLakehouse:
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "clean.json").write_text(_SUITE)
    (tmp_path / "typed.py").write_text(_MODULE.format(hints=_HINTS))
    settings = tmp_path / "typed.yml"
    settings.write_text("name: Typed\nschema: typed\nsource: typed.py\nexpectations: suites\n")
    return replace(lakehouse, settings_file=settings)


def sent() -> str:
    return json.dumps(SENT)[:-1] + ', "price": 12345678901234.5678}\n'


@pytest.mark.slow
@pytest.mark.usefixtures("amount")
def test_declared_types_hold_what_fits_exactly_in_every_table(typed: TestLakehouse) -> None:
    typed.land("a.json", sent() + json.dumps(MISFITS) + "\n", "things")
    typed.land("b.json", sent().replace('"id": "1"', '"id": "3"'), "things")
    assert not typed.update().errors
    first, second, third = typed.rows("raw_things", by="id")
    assert {name: first[name] for name in HELD} == HELD
    assert {name: third[name] for name in HELD} == {**HELD, "id": "3"}
    assert first["_rescued_data"] is None
    assert {name: second[name] for name in HELD} == {**dict.fromkeys(HELD), "id": "2"}
    kept = json.loads(second["_rescued_data"])
    assert {name: kept[name] for name in MISFITS if name != "id"} == {k: v for k, v in MISFITS.items() if k != "id"}
    assert [row["id"] for row in typed.rows("clean_things", by="id")] == ["1", "3"]
    assert [row["id"] for row in typed.rows("rejected_things", by="id")] == ["2"]
    (newest, _) = typed.rows("newest", by="id")
    assert newest == {name: HELD[name] for name in ("id", "price", "at", "pos", "limits")}
    typed.land("c.json", sent().replace('"id": "1"', '"id": "4"').replace("52.5", "1e1"), "things")
    assert not typed.update().errors
    assert [(row["id"], row["pos"]["lat"]) for row in typed.rows("newest", by="id")] == [
        ("1", 52.5),
        ("3", 52.5),
        ("4", 10),
    ]


# What deltalake, Spark, Delta's log and the demo's queries all take, though some of it is syntax for one of them.
_NAMES = [
    "größe",
    "1st",
    "a.b",
    "temp-c",
    "@id",
    "$v",
    "a/b",
    "a'b",
    'a"b',
    "温度",
    "a:b",
    "a[0]",
    "%",
    "#",
    "a|b",
    "*",
    "select",
]
_NO_NAMES = ["humidity (%)", "x`y", "a,b", "a=b", ""]


@pytest.mark.slow
@pytest.mark.usefixtures("amount")
def test_keys_with_any_sign_that_delta_takes_are_columns_of_every_table(lakehouse: TestLakehouse) -> None:
    values: dict[str, Any] = {name: float(number) for number, name in enumerate(_NAMES)}
    lakehouse.land("a.json", [reading(**{**values, **dict.fromkeys(_NO_NAMES, 5)})])
    lakehouse.land("b.json", [reading(None, **values)])
    assert not lakehouse.update().errors
    alike: dict[str, Any] = {"\u017ft": 1, "ST": 2, "a.b": "x"}
    lakehouse.land("c.json", [reading(**alike)])
    assert not lakehouse.update().errors
    lakehouse.assert_invariants()
    for table in ("bronze_sensor_readings", "silver_cleaned_sensors", "silver_quarantined_sensors"):
        rows = [row for row in lakehouse.rows(table) if row["select"] is not None]
        assert rows
        assert all({name: row[name] for name in _NAMES} == values for row in rows)
    rescued = [
        json.loads(row["_rescued_data"]) for row in lakehouse.rows("bronze_sensor_readings") if row["_rescued_data"]
    ]
    assert {key for each in rescued for key in each} == {*_NO_NAMES, "ST", "a.b", "_file_path"}
    assert not lakehouse.update(reprocess_files=("a.json",)).errors
    lakehouse.assert_invariants()


@pytest.mark.slow
@pytest.mark.parametrize("inference", ["scalars", "all", "none"])
def test_new_columns_are_the_same_however_the_batch_is_read(
    things: Callable[[str], TestLakehouse], inference: str
) -> None:
    records: list[dict[str, Any]] = [{"id": str(number), "code": number + 0.5, "big": number} for number in range(40)]
    records[30] |= {"code": "E30", "late": True, "deep": {"a": 1}}
    records[31] |= {"big": 2**53 + 1, "late": None, "deep": {"a": 2**60, "b": [1.5]}}
    lines = "".join(json.dumps(record) + "\n" for record in records).replace('"code": 7.5', '"code": 7.50')
    found: list[tuple[list[dict[str, Any]], pa.Schema]] = []
    for limits in (Limits(), Limits(driver_bytes=0), Limits(driver_bytes=0, sampled_records=1, sampled_files=1)):
        lakehouse = replace(things(f'schema_hints="id STRING", infer_column_types="{inference}"'), limits=limits)
        lakehouse = lakehouse.beside(f"home {len(found)}")
        lakehouse.land("a.json", lines, "things")
        lakehouse.land("b.json", '{"id":"x","late":false,"new":"2026-11-30"}\n', "things")
        assert not lakehouse.update().errors
        rows = lakehouse.rows("things", "id", "code", "big", "late", "deep", "new", "_rescued_data", by="id")
        schema = pa.schema(DeltaTable(lakehouse.path("things")).schema().to_arrow())
        found.append((rows, schema))
    assert found[0] == found[1] == found[2]
    rows, schema = found[0]
    big = {"scalars": "string", "none": "string", "all": "int64"}[inference]
    assert [str(schema.field(name).type) for name in ("code", "big")] == ["string", big]
    assert {row["code"] for row in rows if row["id"] in {"7", "30"}} == {"7.50", "E30"}
    assert {row["_rescued_data"] for row in rows} == {None}


@pytest.mark.slow
def test_record_keeps_its_identity_when_its_rescued_values_get_columns(things: Callable[[str], TestLakehouse]) -> None:
    lakehouse = things('schema_hints="id STRING", schema_evolution_mode="rescue"')
    sent = {
        "id": "1",
        "at": "2026-11-30T10:00:00+01:00",
        "day": "2026-11-30",
        "flag": "True",
        "n": "+5",
        "x": {"y": "z"},
    }
    lakehouse.land("a.json", [sent], "things")
    assert not lakehouse.update().errors
    (before,) = lakehouse.rows("things", "record_id", "id")
    hints = "id STRING, at TIMESTAMP, day DATE, flag BOOLEAN, n BIGINT, x STRUCT<y: STRING>"
    lakehouse = things(f'schema_hints="{hints}", schema_evolution_mode="rescue"')
    assert not lakehouse.update(reprocess_files=("a.json",)).errors
    (after,) = lakehouse.rows("things")
    assert after["record_id"] == before["record_id"]
    held = {
        "at": datetime(2026, 11, 30, 9, tzinfo=UTC),
        "day": date(2026, 11, 30),
        "flag": True,
        "n": 5,
        "x": {"y": "z"},
    }
    assert {name: after[name] for name in held} == held
    assert after["_rescued_data"] is None
