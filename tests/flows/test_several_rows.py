"""Queries that make several rows of one record, in front of a quarantine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipeline.delta.table import Table
from pipeline.foundation.errors import AuthorError
from tests.flows.gateway import EXPLODED, assert_balanced, gateway, held, message, rejected

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import TestLakehouse

pytestmark = [pytest.mark.spark, pytest.mark.slow]

BY_UNION = """
    rows = read_stream("messages")
    half = lambda sensor, c: rows.select("record_id", "gateway", F.lit(sensor).alias("sensor"), F.expr(c).alias("c"))
    return half("first", "double(readings)").union(half("second", "double(readings) * 100"))
"""
BY_JOIN = """
    rows = read_stream("messages").withColumnRenamed("gateway", "place").join(read("sensors").select("place", "sensor"), "place")
    return rows.withColumn("c", F.expr("double(readings) * if(sensor = 'A', 1, 100)")).withColumnRenamed("place", "gateway")
"""


@pytest.mark.usefixtures("amount")
def test_each_row_of_a_record_is_judged_and_numbered_by_its_place(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    home = gateway(lakehouse, tmp_path)
    home.land("a.json", [message("g1", ("Z", 1.5), ("Y", 900.0), ("X", 30.5)), message("g2", ("Z", 300.0))], "messages")
    assert home.update().state == "COMPLETED"
    home.land("b.json", [message("g3", ("Y", 250.0), ("Y", 2.0), ("Y", 250.0)), message("g4")], "messages")
    assert home.update().state == "COMPLETED"

    assert held(home) == [("g1", 0, "Z", 1.5), ("g1", 2, "X", 30.5), ("g3", 1, "Y", 2.0)]
    assert rejected(home) == [(name, row, ["plausible"]) for name, row in (("g1", 1), ("g2", 0), ("g3", 0), ("g3", 2))]
    assert_balanced(home)
    metrics = home.metrics("readings")
    assert sum(item["num_input_rows"] for item in metrics) == 7
    assert home.columns("readings")[:2] == home.columns("rejected")[:2] == ["record_id", "record_row"]
    sent = {row["record_id"]: row["readings"] for row in home.rows("messages")}
    assert all(row["readings"] == sent[row["record_id"]] for row in home.rows("rejected"))


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        pytest.param(BY_UNION, {"g1": [(0, "first"), (1, "second")], "g2": [(0, "first"), (1, "second")]}, id="union"),
        pytest.param(BY_JOIN, {"g1": [(0, "A"), (1, "B")], "g2": [(0, "B")]}, id="join"),
    ],
)
def test_rows_of_unions_and_joins_are_numbered_too(
    lakehouse: TestLakehouse, tmp_path: Path, query: str, numbers: dict[str, list[tuple[int, str]]]
) -> None:
    home = gateway(lakehouse, tmp_path, query, greatest=250)
    sensors = [("g1", "B"), ("g2", "B"), ("g1", "A")]
    home.land("s.json", [{"place": place, "sensor": sensor} for place, sensor in sensors], "sensors")
    home.land("a.json", [{"gateway": "g1", "readings": "2"}, {"gateway": "g2", "readings": "3"}], "messages")
    assert home.update().state == "COMPLETED"

    assert_balanced(home)
    found = {(row["gateway"], row["record_row"]): row["sensor"] for row in home.rows("readings")}
    left_out = {row[:2] for row in rejected(home)}
    assert found | dict.fromkeys(left_out, "rejected") == {
        (name, row): "rejected" if name == "g2" and sensor in {"second", "B"} else sensor
        for name, rows in numbers.items()
        for row, sensor in rows
    }
    assert all(row["readings"] == "3" for row in home.rows("rejected"))


@pytest.mark.usefixtures("amount")
def test_rules_changed_between_the_commits_of_a_cut_batch_lose_and_double_no_row_of_a_record(
    lakehouse: TestLakehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = gateway(lakehouse, tmp_path)
    home.land("a.json", [message("g", ("Z", 1.0), ("Y", 900.0), ("X", 40.0))], "messages")
    append = Table.append

    def fails_at_quarantine(self: Table, *given: Any, **options: Any) -> Any:
        if self.path.name == "rejected":
            raise OSError(28, "No space left on device")
        return append(self, *given, **options)

    with monkeypatch.context() as patched:
        patched.setattr(Table, "append", fails_at_quarantine)
        assert home.update().state == "FAILED"
    assert gateway(lakehouse, tmp_path, greatest=1000).update().state == "COMPLETED"

    assert [row[1:3] for row in held(home)] == [(0, "Z"), (2, "X")]
    assert [row[:2] for row in rejected(home)] == [("g", 1)]
    assert_balanced(home)


def test_table_whose_query_begins_to_make_several_rows_gets_the_column(
    lakehouse: TestLakehouse, tmp_path: Path
) -> None:
    one = '\n    return read_stream("messages").withColumn("sensor", F.lit("-")).withColumn("c", F.lit(1.0))\n'
    home = gateway(lakehouse, tmp_path, one)
    home.land("a.json", [message("g1", ("Z", 1.0))], "messages")
    assert home.update().state == "COMPLETED"
    assert "record_row" not in home.columns("readings")
    home = gateway(lakehouse, tmp_path)
    home.land("b.json", [message("g2", ("Z", 1.0), ("Y", 300.0))], "messages")
    assert home.update().state == "COMPLETED"

    numbers = {(row["gateway"], row["record_row"]) for row in home.rows("readings")}
    assert numbers == {("g1", None), ("g2", 0)}
    assert [row[:2] for row in rejected(home)] == [("g2", 1)]
    assert home.update(full_refresh=("readings",)).state == "COMPLETED"
    assert held(home) == [("g1", 0, "Z", 1.0), ("g2", 0, "Z", 1.0)]
    assert_balanced(home)


def test_table_that_was_filled_without_numbers_keeps_its_columns(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    home = gateway(lakehouse, tmp_path, EXPLODED)
    plain = (
        (tmp_path / "gateway.py")
        .read_text()
        .replace('@table(expectations="readings", quarantine="rejected")', "@table")
    )
    plain = plain.replace('@table\ndef rejected():\n    return read_quarantine("readings")\n', "")
    unnumbered = plain.replace(
        "\n    return rows.withColumn", "\n    rows = rows.where(F.rand() < 2)\n    return rows.withColumn"
    )
    (tmp_path / "suites/readings.json").unlink()
    home.land("a.json", [message("g1", ("Z", 1.0), ("Y", 3.0))], "messages")
    (tmp_path / "gateway.py").write_text(unnumbered)
    assert home.update().state == "COMPLETED"
    (tmp_path / "gateway.py").write_text(plain)
    home.land("b.json", [message("g2", ("Z", 1.0), ("Y", 3.0))], "messages")
    assert home.update().state == "COMPLETED"
    assert "record_row" not in home.columns("readings")
    assert len(home.rows("readings")) == 4
    assert home.update(full_refresh=("readings",)).state == "COMPLETED"
    assert [row[:2] for row in held(home)] == [("g1", 0), ("g1", 1), ("g2", 0), ("g2", 1)]


def test_query_without_record_id_is_refused_before_anything_is_written(
    lakehouse: TestLakehouse, tmp_path: Path
) -> None:
    home = gateway(lakehouse, tmp_path, EXPLODED.replace('.drop("part"', '.drop("record_id", "part"'))

    with pytest.raises(AuthorError, match=r"gateway\.py:\d+: .*`readings` has a generator such as explode without"):
        home.update()

    assert not home.path("messages").exists()
