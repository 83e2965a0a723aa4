"""Tables that read several streams, and tables read whole beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.foundation.errors import AuthorError
from tests.flows.messages import land, messages, rows

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import TestLakehouse

pytestmark = [pytest.mark.spark, pytest.mark.slow]

_MORE = """
@table
def more():
    return read_files("more", schema_hints="id STRING, device STRING, unit STRING")

"""
FLOWS = f"""
from pipeline import append_flow, create_streaming_table
{_MORE}
create_streaming_table("both", comment="Messages of two kinds")

@append_flow(target="both")
def first():
    return read_stream("messages").select("id", "device")

@append_flow(target="both")
def second():
    return read_stream("more").select("id", "device", "unit")
"""


@pytest.mark.usefixtures("amount")
def test_flows_append_to_one_table_also_while_one_has_no_rows_yet(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    home = messages(lakehouse, tmp_path, FLOWS)
    land(home, "a.json", ("m1", "P1"))
    assert home.update().state == "COMPLETED"
    assert rows(home, "both", "id", "unit") == [("m1", None)]
    home.land("b.json", [{"id": "n1", "device": "P1", "unit": "C"}], folder="more")
    land(home, "b.json", ("m1", "P1"))
    assert home.update().state == "COMPLETED"
    home.land("c.json", [{"id": "n2", "device": "P1", "unit": "C"}], folder="more")
    assert home.update().state == "COMPLETED"

    assert rows(home, "both", "id", "unit") == [("m1", None), ("m1", None), ("n1", "C"), ("n2", "C")]
    assert home.counted_by_events("both") == {"both": 4}
    assert [metrics["backlog_files"] for metrics in home.metrics("both")] == [0] * len(home.metrics("both"))


@pytest.mark.parametrize("one_before", [True, False])
def test_flow_of_the_same_stream_that_is_added_later_needs_a_full_refresh(
    lakehouse: TestLakehouse, tmp_path: Path, one_before: bool
) -> None:
    more = """
from pipeline import append_flow

@append_flow(target="doubled")
def {name}():
    return read_stream("messages").withColumn("id", F.concat("id", F.lit("{name}")))
"""
    tables = """
@table
def doubled():
    return read_stream("messages").select("record_id", "id")
"""
    before = tables + (more.format(name="b") if one_before else "")
    home = messages(lakehouse, tmp_path, before)
    land(home, "a.json", ("1", "P1"))
    assert home.update().state == "COMPLETED"
    assert home.update().state == "COMPLETED"
    messages(lakehouse, tmp_path, before + more.format(name="c"))
    error = home.update().errors["doubled"]
    assert isinstance(error, AuthorError)
    assert "--full-refresh doubled" in error.remedy
    assert home.update(full_refresh=("doubled",)).state == "COMPLETED"

    assert rows(home, "doubled", "id") == [(name,) for name in (["1", "1b", "1c"] if one_before else ["1", "1c"])]


def test_flow_that_is_added_later_needs_a_full_refresh(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    start = FLOWS.index('@append_flow(target="both")\ndef second')
    home = messages(lakehouse, tmp_path, FLOWS[:start].replace('select("id", "device")', 'dropDuplicates(["id"])'))
    land(home, "a.json", ("m1", "P1"))
    assert home.update().state == "COMPLETED"
    messages(lakehouse, tmp_path, FLOWS.replace('select("id", "device")', 'dropDuplicates(["id"])'))
    home.land("b.json", [{"id": "n1", "device": "P1", "unit": "C"}], folder="more")
    error = home.update().errors["both"]
    assert isinstance(error, AuthorError)
    assert "--full-refresh both" in error.remedy
    assert home.update(full_refresh=("both",)).state == "COMPLETED"

    assert rows(home, "both", "id", "unit") == [("m1", None), ("n1", "C")]


@pytest.mark.parametrize(
    ("flows", "problem"),
    [
        ('create_streaming_table("t")', "no flow fills the streaming table `t`"),
        (
            'append_flow(target="nothing")(lambda: read_stream("messages"))',
            "`nothing` is not a declared streaming table",
        ),
    ],
)
def test_flow_without_a_table_and_table_without_a_flow_are_refused(
    lakehouse: TestLakehouse, tmp_path: Path, flows: str, problem: str
) -> None:
    home = messages(lakehouse, tmp_path, f"from pipeline import append_flow, create_streaming_table\n{flows}\n")

    with pytest.raises(AuthorError, match=problem):
        home.update()


def test_two_streams_are_joined_across_batches_and_with_a_table_read_whole(
    lakehouse: TestLakehouse, tmp_path: Path
) -> None:
    tables = f"""{_MORE}
@table
def devices():
    return read_files("devices", schema_hints="device STRING, hall STRING").select("device", "hall")

@table
def pairs():
    left = read_stream("messages").select("id", "device")
    right = read_stream("more").select("id", "unit")
    return left.join(right, "id").join(read("devices"), "device", "left")
"""
    home = messages(lakehouse, tmp_path, tables)
    home.land("d.json", [{"device": "P1", "hall": "North"}], folder="devices")
    land(home, "a.json", ("1", "P1"), ("2", "P2"))
    home.land("a.json", [{"id": "2", "unit": "C"}], folder="more")
    assert home.update().state == "COMPLETED"
    assert rows(home, "pairs", "id", "unit", "hall") == [("2", "C", None)]
    home.land("e.json", [{"device": "P2", "hall": "South"}], folder="devices")
    land(home, "b.json", ("2", "P2"))
    home.land("b.json", [{"id": "1", "unit": "K"}], folder="more")
    assert home.update().state == "COMPLETED"

    assert rows(home, "pairs", "id", "unit", "hall") == [("1", "K", "North"), ("2", "C", "South"), ("2", "C", None)]
    assert home.counted_by_events("pairs") == {"pairs": 3}


def test_table_read_as_a_stream_and_whole_is_both(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    tables = """
@table
def siblings():
    others = read("messages").groupBy("device").agg(F.count("*").alias("known"))
    return read_stream("messages").select("id", "device").join(others, "device")
"""
    home = messages(lakehouse, tmp_path, tables)
    land(home, "a.json", ("1", "P1"), ("2", "P1"))
    home.update()
    land(home, "b.json", ("3", "P1"))
    assert home.update().state == "COMPLETED"

    assert rows(home, "siblings", "id", "known") == [("1", 2), ("2", 2), ("3", 3)]


def test_state_behind_a_temporary_view_is_kept(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    tables = """
@temporary_view
def step():
    return read("messages").groupBy("device").count()

@table
def counted():
    return read_stream("step")
"""
    home = messages(lakehouse, tmp_path, tables)
    land(home, "a.json", ("1", "P1"))
    home.update()
    land(home, "b.json", ("2", "P1"))
    assert home.update().state == "COMPLETED"

    assert rows(home, "counted", "device", "count") == [("P1", 2)]
