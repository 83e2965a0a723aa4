"""Changes that cannot be applied are refused with their line and the next step, before anything runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.databricks.changes import changes
from pipeline.databricks.declared import DeclaredChanges
from pipeline.declare.dataset import SourceLocation
from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from tests.databricks.conftest import Project

pytestmark = pytest.mark.spark

HEAD = """import dlt
from pyspark.sql.functions import col, upper
READER = spark.readStream.format("cloudFiles").option("cloudFiles.format", "json").schema("id STRING, at INT, op STRING")
@dlt.table
def s():
    return READER.load("/Volumes/main/shop/raw")
dlt.create_streaming_table("t")
"""


@pytest.mark.parametrize(
    ("call", "said"),
    [
        pytest.param("('u', 's', ['id'], 'at')", "changes go into `u`, which is not declared", id="target"),
        pytest.param("('t', 'nothing', ['id'], 'at')", "`nothing` is not a table of this pipeline", id="source"),
        pytest.param("('t', 's', [], 'at')", "has no `keys`", id="no_keys"),
        pytest.param("('t', 's', ['idd'], 'at')", "there is no column of `s` `idd`", id="key"),
        pytest.param("('t', 's', [upper('id')], 'at')", "is not the name of a column", id="key_expression"),
        pytest.param("('t', 's', ['id'], 'att')", "`sequence_by` of `t` does not fit the rows of `s`", id="sequence"),
        pytest.param("('t', 's', ['id'], 'at', where='nothing = 1')", "the query of `t` does not run", id="where"),
        pytest.param("('t', 's', ['id'], 'at', apply_as_deletes='o = 1')", "`apply_as_deletes` of `t`", id="deletes"),
        pytest.param("('t', 's', ['id'], 'at', stored_as_scd_type=3)", "has stored_as_scd_type=3", id="type"),
        pytest.param("('t', 's', ['id'], 'at', column_list=[])", "has an empty `column_list`", id="empty_list"),
        pytest.param("('t', 's', ['id'], 'at', column_list=['at'])", "leaves out its key `id`", id="without_key"),
        pytest.param(
            "('t', 's', ['id'], 'at', column_list=['id'], except_column_list=['at'])", "has both", id="both_lists"
        ),
        pytest.param(
            "('t', 's', ['id'], 'at', stored_as_scd_type=2, apply_as_truncates='op = 1')",
            "has `apply_as_truncates` with scd_type=2", id="truncates_with_history",
        ),
        pytest.param("('t', 's', ['id'], 'at', columns_to_update='at')", "with two times", id="bitemporal"),
        pytest.param("('t', 's', ['id'], 'at', scd=2)", "there is no option `scd`", id="option"),
        pytest.param("(target='t', source='s', keys=['id'])", "missing 1 required positional", id="no_sequence"),
        pytest.param("('a.b.c.d', 's', ['id'], 'at')", "`a.b.c.d` is not the name of a table", id="target_name"),
    ],
)  # fmt: skip
def test_changes_that_cannot_be_applied_are_refused_with_their_line(project: Project, call: str, said: str) -> None:
    with pytest.raises(AuthorError, match=re.escape(said)) as raised:
        project.opened(f"{HEAD}dlt.apply_changes{call}\n")
    assert "a.py:8" in raised.value.problem


STREAMED = f"""{HEAD}dlt.create_auto_cdc_flow("t", "s", ["id"], "at")
@dlt.table
def u():
    return spark.readStream.table("t")
"""


def test_stream_of_a_table_of_changes_is_refused_with_what_may_read_it(project: Project) -> None:
    with pytest.raises(AuthorError, match="the stream of `t`, which replaces its rows") as raised:
        project.opened(STREAMED)
    assert "a.py:9: " in raised.value.problem
    assert "@materialized_view" in raised.value.remedy


def test_change_feed_of_a_table_is_refused_with_its_line(project: Project) -> None:
    text = f"{HEAD}dlt.apply_changes('t', 'feed', ['id'], 'at')\n@dlt.view\ndef feed():\n"
    with pytest.raises(AuthorError, match="`s` is read as a feed of its changes") as raised:
        project.opened(f"{text}    return spark.readStream.option('readChangeFeed', True).table('s')\n")
    assert "a.py:11: " in raised.value.problem


def test_dry_run_says_that_expectations_of_a_table_judge_its_changes(project: Project) -> None:
    head = HEAD.replace('("t")', '("t", expect_all={"known": "id IS NOT NULL"})')
    found = project.opened(f"{head}dlt.create_auto_cdc_flow('t', 's', ['id'], 'at')\n")
    assert found.loaded is not None
    [note] = found.loaded.notes
    assert note.endswith("a.py:7: the expectations of `t` judge its changes, in `t__changes`")


@pytest.mark.usefixtures("spark")
def test_every_argument_of_a_call_is_in_its_declaration() -> None:
    here = SourceLocation("a.py", 1)
    options: dict[str, Any] = {
        "ignore_null_updates_except_column_list": ["a"],
        "apply_as_deletes": "op = 'D'",
        "apply_as_truncates": None,
        "column_list": ("id", "`my a`"),
        "except_column_list": None,
        "stored_as_scd_type": "2",
        "track_history_column_list": "a",
        "track_history_except_column_list": [],
        "flow_name": "f",
        "once": True,
    }
    assert changes(here, "t", "s", ["id"], "at", "a > 1", ignore_null_updates=False, **options) == DeclaredChanges(
        target="t",
        source="s",
        keys=("id",),
        where=here,
        sequence_by="at",
        condition="a > 1",
        apply_as_deletes="op = 'D'",
        columns=("id", "my a"),
        null_except_columns=("a",),
        scd_type=2,
        track_columns=("a",),
        name="f",
        once=True,
    )
