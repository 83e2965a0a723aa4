"""Files whose rows are taken out of every table and in again, when something goes wrong."""

from __future__ import annotations

import gzip
import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.delta.table import Table
from pipeline.flows.flow import FilesGoneError
from pipeline.flows.ingest import IngestFlow
from pipeline.foundation.errors import AuthorError, LakehouseError
from pipeline.home.intents import IntentFile
from tests.conftest import TABLES, reading

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import TestLakehouse

pytestmark = [pytest.mark.spark, pytest.mark.slow]

BRONZE, SILVER, QUARANTINE, GOLD, STATUS = TABLES


class KilledError(Exception):
    """Ends an update between taking rows away and putting them back."""


def intent(lakehouse: TestLakehouse, schema: str = "smart_factory", table: str = BRONZE) -> IntentFile:
    return IntentFile(lakehouse.home.state / "reprocess" / schema / table / "intent.json")


@pytest.fixture
def cut_short(lakehouse: TestLakehouse, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lakehouse of two files, whose reprocessing of the first was killed; returns that file."""

    def killed(*_: Any) -> None:
        raise KilledError

    file = lakehouse.land("a.json", [reading(), reading(None)])
    lakehouse.land("b.json", [reading("MFG-A-1001")])
    lakehouse.update()
    with monkeypatch.context() as patched:
        patched.setattr(IngestFlow, "take_again", killed)
        with pytest.raises(KilledError):
            lakehouse.update(reprocess_files=("a.json",))
    assert [len(lakehouse.rows(table)) for table in TABLES[:3]] == [1, 1, 0]
    return file


@pytest.mark.usefixtures("cut_short")
def test_reprocessing_that_was_cut_short_is_dropped_by_a_full_refresh_which_reads_all_anyway(
    lakehouse: TestLakehouse,
) -> None:
    assert lakehouse.update(full_refresh_all=True).state == "COMPLETED"
    assert intent(lakehouse).read() is None
    for _ in range(2):
        lakehouse.assert_invariants()
        assert [len(lakehouse.rows(table)) for table in TABLES[:3]] == [3, 2, 1]
        version = lakehouse.version(BRONZE)
        assert lakehouse.update().state == "COMPLETED"
        assert lakehouse.version(BRONZE) == version


def test_full_refresh_refuses_to_lose_rows_that_a_reprocessing_cut_short_has_taken_out(
    lakehouse: TestLakehouse, cut_short: Path
) -> None:
    cut_short.unlink()
    with pytest.raises(FilesGoneError, match=r": a\.json\. .*--accept-loss"):
        lakehouse.update(full_refresh_all=True)
    assert lakehouse.update().state == "COMPLETED"
    lakehouse.assert_invariants()
    assert [len(lakehouse.rows(table)) for table in TABLES[:3]] == [3, 2, 1]


def test_flow_that_fails_downstream_of_a_reprocessing_is_reported_and_goes_on_in_the_next_update(
    lakehouse: TestLakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    lakehouse.land("a.json", [reading(), reading(None)])
    lakehouse.update()
    before = {table: [row["record_id"] for row in lakehouse.rows(table, "record_id")] for table in TABLES[:3]}
    append = Table.append

    def fails_at_silver(self: Table, *given: Any, **options: Any) -> Any:
        if self.path.name == SILVER:
            raise OSError(28, "No space left on device")
        return append(self, *given, **options)

    with monkeypatch.context() as patched:
        patched.setattr(Table, "append", fails_at_silver)
        with pytest.raises(LakehouseError, match="No space left on device"):
            lakehouse.update(reprocess_files=("a.json",))
    assert intent(lakehouse).read() is None
    assert [len(lakehouse.rows(table)) for table in TABLES] == [2, 0, 0, 0, 0]
    assert lakehouse.logged("update_progress")[-1]["state"] == "FAILED"
    assert lakehouse.update().state == "COMPLETED"
    lakehouse.assert_invariants()
    assert {table: [row["record_id"] for row in lakehouse.rows(table, "record_id")] for table in TABLES[:3]} == before


def test_table_without_record_id_reads_again_only_files_without_rows(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    (tmp_path / "suites").mkdir()
    (tmp_path / "bare.py").write_text(
        "from pipeline import read_files, table\n\n"
        "@table\ndef bare():\n    return read_files('things').drop('record_id')\n",
        encoding="utf-8",
    )
    settings = tmp_path / "bare.yml"
    settings.write_text("name: Bare\nschema: bare\nsource: bare.py\nexpectations: suites\n", encoding="utf-8")
    lakehouse.settings_file = settings
    whole = gzip.compress(b"".join(json.dumps({"a": str(number)}).encode() + b"\n" for number in range(9_000)))
    lakehouse.land("a.json", [{"a": "1"}], folder="things")
    half = lakehouse.land("half.json.gz", whole[: len(whole) // 2], folder="things")
    none = lakehouse.land("none.json.gz", b"no gzip", folder="things")
    lakehouse.update()
    rows = len(lakehouse.rows("bare"))
    assert 1 < rows < 9_001
    with pytest.raises(AuthorError, match=r"bare\.py:\d+: `bare` has no record_id.*--full-refresh bare"):
        lakehouse.update(reprocess_files=("a.json",))
    assert intent(lakehouse, "bare", "bare").read() is None
    for file, content in ((half, whole), (none, gzip.compress(b'{"a": "2"}'))):
        file.write_bytes(content)
        os.utime(file, (1_700_000_000, 1_700_000_000))
    assert lakehouse.update().state == "COMPLETED"
    assert len(lakehouse.rows("bare")) == rows + 1
    states = {path.rsplit("/", 1)[-1]: file.state for path, file in lakehouse.files("bare").items()}
    assert states == {"a.json": "ingested", "half.json.gz": "set aside", "none.json.gz": "ingested"}
    assert lakehouse.update(full_refresh=("bare",)).state == "COMPLETED"
    assert len(lakehouse.rows("bare")) == 9_002
