"""Files that change, fail, vanish or are read again: nothing lost, nothing twice, nothing stuck."""

from __future__ import annotations

import gzip
import json
import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.flows.flow import FilesGoneError
from pipeline.flows.ingest import IngestFlow
from pipeline.ingest.discovery import Discovery
from tests.conftest import TABLES, reading

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import TestLakehouse

pytestmark = [pytest.mark.spark, pytest.mark.slow]

BRONZE = "bronze_sensor_readings"


def device(number: int, **values: Any) -> dict[str, Any]:
    return reading(f"MFG-A-{1000 + number}", **values)


def ids(lakehouse: TestLakehouse, table: str = BRONZE) -> dict[str, str]:
    return {row["device_id"]: row["record_id"] for row in lakehouse.rows(table, "device_id", "record_id")}


def states(lakehouse: TestLakehouse) -> dict[str, str]:
    return {path.rsplit("/", 1)[-1]: file.state for path, file in lakehouse.files().items()}


def age(file: Path, seconds: int) -> None:
    os.utime(file, (1_700_000_000 + seconds,) * 2)


def test_overwritten_file_keeps_its_first_version_and_another_is_on_record_once(lakehouse: TestLakehouse) -> None:
    file = lakehouse.land("a.json", [device(1)])
    lakehouse.update()
    first = ids(lakehouse)
    lakehouse.land("a.json", [device(2), device(3)])
    age(file, 0)
    for _ in range(2):
        assert lakehouse.update().state == "COMPLETED"
        assert ids(lakehouse) == first
    lakehouse.assert_invariants()
    record = lakehouse.files()[str(file)]
    assert (record.state, record.rows, record.size_bytes) == ("overwritten", 1, file.stat().st_size)
    assert record.error is not None
    assert "modified 2023-11-14T22:13:20+00:00, sha256 " in record.error
    with pytest.raises(FilesGoneError, match=r"a\.json.*--accept-loss"):
        lakehouse.update(full_refresh_all=True)
    assert ids(lakehouse) == first
    lakehouse.update(reprocess_files=("a.json",))
    assert set(ids(lakehouse)) == {"MFG-A-1002", "MFG-A-1003"}
    lakehouse.assert_invariants()
    assert states(lakehouse) == {"a.json": "ingested"}


def test_same_file_that_is_uploaded_again_stays_ingested_and_a_full_refresh_reads_it(lakehouse: TestLakehouse) -> None:
    file = lakehouse.land("a.json", [device(1), device(2)])
    packed = lakehouse.land("b.json.gz", gzip.compress(json.dumps(device(3)).encode()))
    lakehouse.update()
    first = ids(lakehouse)
    for seconds, each in enumerate((file, packed)):
        each.write_bytes(each.read_bytes())
        age(each, seconds)
    for _ in range(2):
        assert lakehouse.update().state == "COMPLETED"
        assert ids(lakehouse) == first
        assert states(lakehouse) == {"a.json": "ingested", "b.json.gz": "ingested"}
    lakehouse.assert_invariants()
    assert lakehouse.update(full_refresh_all=True).state == "COMPLETED"
    assert set(ids(lakehouse)) == set(first)
    lakehouse.assert_invariants()


def test_version_that_came_unnoticed_is_not_read_by_a_full_refresh(lakehouse: TestLakehouse) -> None:
    file = lakehouse.land("a.json", [device(1)])
    lakehouse.update()
    sent = file.read_bytes()
    lakehouse.land("a.json", [device(2)])
    age(file, 0)
    with pytest.raises(FilesGoneError, match=r"a\.json.*--accept-loss"):
        lakehouse.update(full_refresh_all=True)
    file.write_bytes(sent)
    age(file, 1)
    assert lakehouse.update(full_refresh_all=True).state == "COMPLETED"
    assert set(ids(lakehouse)) == {"MFG-A-1001"}


def test_deleted_file_keeps_its_rows_and_a_full_refresh_refuses_to_lose_them(lakehouse: TestLakehouse) -> None:
    gone = lakehouse.land("gone.json", [device(1)])
    lakehouse.land("stays.json", [device(2)])
    lakehouse.update()
    gone.unlink()
    assert lakehouse.update().state == "COMPLETED"
    assert states(lakehouse) == {"gone.json": "ingested", "stays.json": "ingested"}
    with pytest.raises(FilesGoneError, match=r": gone\.json\. .*--accept-loss"):
        lakehouse.update(full_refresh_all=True)
    assert set(ids(lakehouse)) == {"MFG-A-1001", "MFG-A-1002"}
    lakehouse.update(full_refresh_all=True, accept_loss=True)
    assert set(ids(lakehouse)) == {"MFG-A-1002"}
    lakehouse.assert_invariants()
    assert lakehouse.update(full_refresh_all=True).state == "COMPLETED"


def test_set_aside_file_is_tried_again_only_if_it_changed_or_on_request(lakehouse: TestLakehouse) -> None:
    whole = gzip.compress(b"".join(json.dumps(device(number)).encode() + b"\n" for number in range(500)))
    file = lakehouse.land("cut.json.gz", whole[: len(whole) * 2 // 3])
    (lakehouse.home.landing / "sensor_readings" / "folder.json").mkdir()
    (lakehouse.home.landing / "sensor_readings" / "loop.json").symlink_to("loop.json")
    (lakehouse.home.landing / "sensor_readings" / "up.json").symlink_to("..")
    os.mkfifo(lakehouse.home.landing / "sensor_readings" / "pipe.json")
    lakehouse.land("good.json", [device(900)])
    lakehouse.update()
    names = {"cut.json.gz", "folder.json", "loop.json", "up.json", "pipe.json"}
    assert states(lakehouse) == dict.fromkeys(names, "set aside") | {"good.json": "ingested"}
    part = ids(lakehouse)
    assert 1 < len(part) < 501
    version = lakehouse.version(BRONZE)
    lakehouse.update()
    assert lakehouse.version(BRONZE) == version
    lakehouse.update(retry_files=True)
    assert lakehouse.version(BRONZE) > version
    known = {key: value for key, value in part.items() if key is not None}
    assert {key: ids(lakehouse)[key] for key in known} == known
    assert states(lakehouse) == dict.fromkeys(names, "set aside") | {"good.json": "ingested"}
    lakehouse.land("cut.json.gz", whole)
    (lakehouse.home.landing / "sensor_readings" / "folder.json").rmdir()
    lakehouse.land("folder.json", [device(901)])
    age(file, 0)
    for _ in range(2):
        lakehouse.update()
        lakehouse.assert_invariants()
        assert set(ids(lakehouse)) == {f"MFG-A-{1000 + number}" for number in (*range(500), 900, 901)}
        assert {key: ids(lakehouse)[key] for key in known} == known
    assert states(lakehouse)["cut.json.gz"] == states(lakehouse)["folder.json"] == "ingested"


def test_permission_given_later_is_a_change(lakehouse: TestLakehouse) -> None:
    lakehouse.land("no.json.gz", b"no gzip")
    lakehouse.update()
    before = next(iter(lakehouse.files().values()))
    (lakehouse.home.landing / "sensor_readings" / "no.json.gz").chmod(0o640)
    lakehouse.update()
    after = next(iter(lakehouse.files().values()))
    assert (before.update_id, before.state) != (after.update_id, after.state)
    assert after.state == "set aside"


def test_file_gone_before_it_could_be_read_is_missing_until_it_comes_back(
    lakehouse: TestLakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = lakehouse.land("a.json", [device(1)])
    lakehouse.land("b.json", [device(2)])
    look = Discovery.look

    def look_and_lose(discovery: Discovery, now: Any) -> int:
        found = look(discovery, now)
        file.unlink()
        return found

    with monkeypatch.context() as patched:
        patched.setattr(Discovery, "look", look_and_lose)
        assert lakehouse.update().state == "COMPLETED"
    assert states(lakehouse) == {"a.json": "missing", "b.json": "ingested"}
    lakehouse.land("a.json", [device(1)])
    lakehouse.update()
    lakehouse.assert_invariants()
    assert set(ids(lakehouse)) == {"MFG-A-1001", "MFG-A-1002"}
    assert states(lakehouse) == {"a.json": "ingested", "b.json": "ingested"}


def test_reprocessed_files_rows_go_everywhere_and_come_again_with_their_ids(lakehouse: TestLakehouse) -> None:
    lakehouse.land(
        "a.json", [device(1), device(1), device(2, temperature_celsius=500), reading(None), device(3, note=7)]
    )
    lakehouse.land("b.json", [device(4)])
    lakehouse.update()
    lakehouse.clock.advance(timedelta(minutes=1))
    lakehouse.land("c.json", [device(5)])
    lakehouse.update()
    before = {table: [row["record_id"] for row in lakehouse.rows(table, "record_id")] for table in TABLES[:3]}
    late = {row["source_file"]: row["ingestion_timestamp"] for row in lakehouse.rows(BRONZE)}
    lakehouse.clock.advance(timedelta(minutes=1))
    assert lakehouse.update(reprocess_files=("a.json",)).state == "COMPLETED"
    lakehouse.assert_invariants()
    after = {table: [row["record_id"] for row in lakehouse.rows(table, "record_id")] for table in TABLES[:3]}
    assert after == before
    again = {row["source_file"]: row["ingestion_timestamp"] for row in lakehouse.rows(BRONZE)}
    assert {path[-6:] for path in again if again[path] != late[path]} == {"a.json"}

    lakehouse.land("a.json", [device(1), device(2, temperature_celsius=50), device(6)])
    since = lakehouse.clock.now() - timedelta(seconds=30)
    assert lakehouse.update(reprocess_since=since).state == "COMPLETED"
    lakehouse.assert_invariants()
    assert sorted(ids(lakehouse)) == [f"MFG-A-100{number}" for number in (1, 2, 4, 5, 6)]
    assert len(lakehouse.rows("silver_quarantined_sensors")) == 0
    assert {row["record_id"] for row in lakehouse.rows(BRONZE)} & set(before[BRONZE]) >= {ids(lakehouse)["MFG-A-1001"]}


def test_reprocessing_cut_short_by_a_kill_loses_no_row_though_the_file_is_gone_then(
    lakehouse: TestLakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = lakehouse.land("a.json", [device(1), reading(None)])
    lakehouse.land("b.json", [device(2)])
    lakehouse.update()
    before = {table: [row["record_id"] for row in lakehouse.rows(table, "record_id")] for table in TABLES[:3]}

    class KilledError(Exception):
        pass

    def killed(*_: Any) -> None:
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(IngestFlow, "take_again", killed)
        with pytest.raises(KilledError):
            lakehouse.update(reprocess_files=("a.json",))
    assert len(lakehouse.rows(BRONZE)) == 1
    file.unlink()
    assert lakehouse.update().state == "COMPLETED"
    lakehouse.assert_invariants()
    assert {table: [row["record_id"] for row in lakehouse.rows(table, "record_id")] for table in TABLES[:3]} == before


def test_value_that_was_rescued_and_then_got_its_column_is_the_same_record(lakehouse: TestLakehouse) -> None:
    from pipeline.ingest.schema_log import SchemaLog

    lakehouse.land("a.json", [device(1, humidity_percent=40, pump="on")])
    lakehouse.update()
    log = SchemaLog(lakehouse.home.state / "schema_log" / "smart_factory" / BRONZE)
    assert log.revert(lakehouse.clock.now()) is not None
    lakehouse.land("b.json", [device(2, humidity_percent=41, pump="off")])
    lakehouse.update()
    before = ids(lakehouse)
    (rescued,) = (row["_rescued_data"] for row in lakehouse.rows(BRONZE) if row["device_id"] == "MFG-A-1002")
    assert json.loads(rescued)["humidity_percent"] == 41
    assert lakehouse.update(reprocess_files=("a.json", "b.json")).state == "COMPLETED"
    assert ids(lakehouse) == before
    lakehouse.assert_invariants()
    lakehouse.land("c.json", [device(3, Humidity_Percent=42)])
    assert lakehouse.update().state == "COMPLETED"
    assert "Humidity_Percent" not in lakehouse.columns(BRONZE)
    lakehouse.assert_invariants()
