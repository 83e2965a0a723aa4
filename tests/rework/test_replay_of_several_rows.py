"""Replays where several rows come of one record: row by row, or the whole record."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.delta.table import Table
from pipeline.foundation.errors import AuthorError
from pipeline.report.reporter import Reporter
from pipeline.selection import ReplayRequest
from tests.flows.gateway import EXPLODED, assert_balanced, gateway, held, message, rejected

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.delta.batch import Batch
    from pipeline.flows.flow import Flow, Progress
    from tests.conftest import TestLakehouse

pytestmark = [pytest.mark.spark, pytest.mark.slow]

REPLAY = ReplayRequest("rejected")


@pytest.fixture
def home(lakehouse: TestLakehouse, tmp_path: Path) -> TestLakehouse:
    """A lakehouse of two messages: g1 with a good reading between two rejected ones, g2 with a good and a rejected one."""
    home = gateway(lakehouse, tmp_path)
    first = message("g1", ("Z", 300.0), ("Y", 25.0), ("X", 400.0))
    home.land("a.json", [first, message("g2", ("Z", 1.0), ("Y", 500.0))], "messages")
    assert home.update().state == "COMPLETED"
    assert rejected(home) == [("g1", 0, ["plausible"]), ("g1", 2, ["plausible"]), ("g2", 1, ["plausible"])]
    return home


def correction(home: TestLakehouse, folder: Path, of: str, *readings: tuple[str, float]) -> ReplayRequest:
    """Return the request to replay with other readings in a gateway's message."""
    record_id = next(row["record_id"] for row in home.rows("messages") if row["gateway"] == of)
    line = {"record_id": record_id, "column": "readings", "value": json.dumps(message(of, *readings)["readings"])}
    file = folder / "corrections.jsonl"
    file.write_text(json.dumps(line) + "\n", encoding="utf-8")
    return ReplayRequest("rejected", corrections=file)


def test_replay_moves_the_rows_that_now_pass_and_leaves_the_others_of_their_record(
    home: TestLakehouse, lakehouse: TestLakehouse, tmp_path: Path
) -> None:
    home = gateway(lakehouse, tmp_path, greatest=350)
    version = home.version("readings")
    assert home.update(replay=REPLAY).state == "COMPLETED"

    assert held(home) == [("g1", 0, "Z", 300.0), ("g1", 1, "Y", 25.0), ("g2", 0, "Z", 1.0)]
    assert rejected(home) == [("g1", 2, ["plausible"]), ("g2", 1, ["plausible"])]
    assert_balanced(home)
    metrics = home.metrics("readings")[-1]
    assert (metrics["num_replayed_rows"], metrics["num_output_rows"], metrics["num_deleted_rows"]) == (3, 1, 0)
    assert metrics["still_failing"] == {"plausible": 2}
    assert home.version("readings") == version + 1

    home = gateway(lakehouse, tmp_path, greatest=1000)
    for _ in range(2):
        assert home.update(replay=REPLAY).state == "COMPLETED"
        assert [row[:2] for row in held(home)] == [("g1", 0), ("g1", 1), ("g1", 2), ("g2", 0), ("g2", 1)]
        assert rejected(home) == []
        assert_balanced(home)


@pytest.mark.usefixtures("amount")
def test_correction_of_a_record_replaces_all_its_rows_by_however_many_it_makes(
    home: TestLakehouse, tmp_path: Path
) -> None:
    since = {row["quarantined_at"] for row in home.rows("rejected")}
    home.clock.advance(timedelta(minutes=1))
    request = correction(home, tmp_path, "g1", ("A", 21.0), ("B", 999.0), ("C", 22.0), ("D", 3.0))
    assert home.update(replay=request).state == "COMPLETED"

    assert held(home) == [("g1", 0, "A", 21.0), ("g1", 2, "C", 22.0), ("g1", 3, "D", 3.0), ("g2", 0, "Z", 1.0)]
    assert rejected(home) == [("g1", 1, ["plausible"]), ("g2", 1, ["plausible"])]
    assert_balanced(home)
    assert {row["quarantined_at"] for row in home.rows("rejected")} == since
    sent = [row["readings"] for row in home.rows("messages") if row["gateway"] == "g1"]
    assert "400.0" in sent[0]

    versions = {table: home.version(table) for table in ("readings", "rejected", "warm", "count")}
    home.clock.advance(timedelta(minutes=1))
    assert home.update().state == "COMPLETED"
    assert {table: home.version(table) for table in versions} == versions
    assert home.update(replay=correction(home, tmp_path, "g1", ("A", 21.0))).state == "COMPLETED"
    assert held(home) == [("g1", 0, "A", 21.0), ("g2", 0, "Z", 1.0)]
    assert rejected(home) == [("g2", 1, ["plausible"])]
    assert_balanced(home)


@pytest.mark.parametrize("again", ["file_read_again", "table_filled_anew"])
def test_corrected_record_that_is_quarantined_again_is_corrected_again(
    home: TestLakehouse, tmp_path: Path, again: str
) -> None:
    request = correction(home, tmp_path, "g1", ("A", 21.0), ("B", 22.0))
    assert home.update(replay=request).state == "COMPLETED"
    home.clock.advance(timedelta(minutes=1))
    if again == "file_read_again":
        assert home.update(reprocess_files=("a.json",)).state == "COMPLETED"
    else:
        assert home.update(full_refresh=("readings",)).state == "COMPLETED"
        assert [row[:2] for row in rejected(home)] == [("g1", 0), ("g1", 2), ("g2", 1)]
        assert home.update().state == "COMPLETED"

    assert held(home) == [("g1", 0, "A", 21.0), ("g1", 1, "B", 22.0), ("g2", 0, "Z", 1.0)]
    assert [row[:2] for row in rejected(home)] == [("g2", 1)]
    assert_balanced(home)


CUTS = ["readings taken out", "readings appended", "rejected appended", "readings logged", "warm has read"]


@pytest.mark.parametrize("cut", CUTS)
def test_replay_of_whole_records_that_is_cut_short_is_finished_by_the_next_update(
    home: TestLakehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: str
) -> None:
    request = correction(home, tmp_path, "g2", ("A", 21.0), ("B", 999.0), ("C", 22.0), ("D", 3.0))
    append, batch_done = Table.append, Reporter.batch_done

    def cut_append(self: Table, *given: Any, **options: Any) -> Any:
        if cut == "readings taken out":
            raise KeyboardInterrupt
        written = append(self, *given, **options)
        if cut == f"{self.path.name} appended":
            raise KeyboardInterrupt
        return written

    def cut_event(self: Reporter, flow: Flow, batch: Batch, progress: Progress) -> None:
        is_put_in = batch.batch_id == 2 and batch.flow_id != flow.position.flow_id()
        if is_put_in and cut in {f"{flow.node.name} logged", f"{flow.node.name} has read"}:
            raise KeyboardInterrupt
        batch_done(self, flow, batch, progress)

    with monkeypatch.context() as patched:
        patched.setattr(Table, "append", cut_append)
        patched.setattr(Reporter, "batch_done", cut_event)
        assert home.update(replay=request).state == "CANCELED"
    assert request.corrections is not None
    request.corrections.unlink()
    assert home.update().state == "COMPLETED"

    assert held(home) == [("g1", 1, "Y", 25.0), ("g2", 0, "A", 21.0), ("g2", 2, "C", 22.0), ("g2", 3, "D", 3.0)]
    assert [row[:2] for row in rejected(home)] == [("g1", 0), ("g1", 2), ("g2", 1)]
    assert_balanced(home)


def test_record_of_which_the_query_makes_other_rows_now_is_made_anew(
    home: TestLakehouse, lakehouse: TestLakehouse, tmp_path: Path
) -> None:
    backwards = EXPLODED.replace("F.explode(F.from_json", "F.explode(F.reverse(F.from_json").replace(
        'c double>>"))', 'c double>>")))'
    )
    home = gateway(lakehouse, tmp_path, backwards, greatest=350)
    assert home.update(replay=ReplayRequest("rejected", rules=("plausible",))).state == "COMPLETED"

    assert held(home) == [("g1", 1, "Y", 25.0), ("g1", 2, "Z", 300.0), ("g2", 1, "Z", 1.0)]
    assert [row[:2] for row in rejected(home)] == [("g1", 0), ("g2", 0)]
    assert_balanced(home)


def test_replay_one_table_on_tells_the_rows_of_a_record_apart(
    home: TestLakehouse, lakehouse: TestLakehouse, tmp_path: Path
) -> None:
    """The next table makes one row of each row; its quarantine has two rows of one record."""
    from tests.quality.suite_files import expectation, write_suite

    module = tmp_path / "gateway.py"

    def judged_below(greatest: float) -> TestLakehouse:
        changed = gateway(lakehouse, tmp_path, greatest=1000)
        rule = expectation("column_values_to_be_between", "cool", "drop", column="c", max_value=greatest)
        write_suite(tmp_path / "suites", "cool", rule)
        module.write_text(
            module.read_text()
            + '\n\n@table(expectations="cool", quarantine="hot")\ndef cool():\n'
            + '    return read_stream("readings").join(read("sensors").select("sensor", "place"), "sensor", "left")\n'
            + '\n\n@table\ndef hot():\n    return read_quarantine("cool")\n'
        )
        return changed

    # A replay comes before the update's flows, so the table that it reads whole has to be there.
    home.land("z.json", [{"sensor": "Z", "place": "roof"}], "sensors")
    assert home.update().state == "COMPLETED"
    home = judged_below(200)
    assert home.update(replay=REPLAY).state == "COMPLETED"
    assert home.update().state == "COMPLETED"
    assert [row[:2] for row in held(home, "hot")] == [("g1", 0), ("g1", 2), ("g2", 1)]
    home = judged_below(350)
    assert home.update(replay=ReplayRequest("hot")).state == "COMPLETED"

    assert [row[:2] for row in held(home, "cool")] == [("g1", 0), ("g1", 1), ("g2", 0)]
    assert [row[:2] for row in held(home, "hot")] == [("g1", 2), ("g2", 1)]
    assert_balanced(home)


def test_record_is_not_made_anew_where_a_table_downstream_cannot_give_its_rows_back(
    home: TestLakehouse, tmp_path: Path
) -> None:
    module = tmp_path / "gateway.py"
    module.write_text(
        module.read_text() + '\n\n@table\ndef bare():\n    return read_stream("readings").drop("record_id")\n'
    )
    assert home.update().state == "COMPLETED"
    before = held(home)

    with pytest.raises(AuthorError, match=r"gateway\.py:\d+: `bare` has no record_id, so the rows of a record"):
        home.update(replay=correction(home, tmp_path, "g1", ("A", 21.0)))

    assert held(home) == before
    assert home.update().state == "COMPLETED"
    assert_balanced(home)
