"""Declarations of change tables: what they record, and what is refused with file, line and remedy."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline import change_flow, change_table, create_streaming_table, read, table
from pipeline.declare.change_flow import ChangeFlow
from pipeline.declare.changes import Changes
from pipeline.declare.dataset import Registry, SourceLocation
from pipeline.declare.decorators import collecting
from pipeline.foundation.errors import AuthorError

HERE = SourceLocation("tables.py", 7)


def registry() -> None:
    """What each device is."""


def declared(**options: Any) -> Registry:
    with collecting(Registry()) as found:
        change_table(source="changes", keys=["key"], sequence_by="number", **options)(registry)
    found.close()
    return found


def flow(source: str = "changes", **options: Any) -> ChangeFlow:
    return ChangeFlow("registry", source, ("key",), "number", HERE, **options)


def test_change_table_becomes_a_streaming_table_with_its_changes() -> None:
    (dataset,) = declared(scd_type=2, except_column_list=["number"], expectations="suite").datasets.values()
    assert (dataset.name, dataset.kind, dataset.comment) == ("registry", "streaming_table", "What each device is.")
    assert dataset.expectations == "suite"
    assert dataset.changes is not None
    (only,) = dataset.changes.flows
    assert (only.source, only.keys, only.sequence_by, only.scd_type) == ("changes", ("key",), "number", 2)
    assert only.except_column_list == ("number",)
    assert str(only.location) == str(dataset.location)
    assert dataset.location.file == __file__


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"scd_type": 3}, "has scd_type=3; expected 1 or 2"),
        ({"scd_type": 2, "apply_as_truncates": "gone"}, "`apply_as_truncates` with scd_type=2"),
        ({"track_history_column_list": ["floor"]}, "`track_history_…` with scd_type=1"),
        ({"column_list": ["key"], "except_column_list": ["number"]}, "both `column_list` and `except_column_list`"),
        ({"column_list": "key"}, "`column_list` must be a list of column names"),
        ({"ignore_null_updates": "yes"}, "`ignore_null_updates` of `registry` must be True or False"),
        ({"apply_as_delete": "gone"}, "there is no option of a change table `apply_as_delete`"),
    ],
)
def test_option_that_does_not_fit_is_refused_with_its_line(options: dict[str, Any], said: str) -> None:
    with pytest.raises(AuthorError) as raised:
        declared(**options)
    assert said in raised.value.problem
    assert raised.value.problem.startswith(f"{__file__}:")


def test_change_table_without_keys_is_refused() -> None:
    with pytest.raises(AuthorError, match="has no `keys`"):
        ChangeFlow("registry", "changes", (), "number", HERE)


def test_columns_of_the_source_are_chosen_and_those_of_ingestion_left_out() -> None:
    names = ["record_id", "key", "number", "floor", "_rescued_data", "source_file"]
    assert flow().columns(names) == ["key", "number", "floor"]
    assert flow(except_column_list=("number",)).columns(names) == ["key", "floor"]
    assert flow(column_list=("source_file", "key")).columns(names) == ["key", "source_file"]
    assert flow(keeps_ingestion_columns=True).columns(names) == names


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"except_column_list": ("flor",)}, "there is no column of `changes` `flor`"),
        ({"except_column_list": ("key",)}, "leaves out its key `key`"),
        ({"column_list": ("floor",)}, "leaves out its key `key`"),
    ],
)
def test_column_list_that_does_not_fit_the_source_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(AuthorError, match=said):
        flow(**options).columns(["key", "floor"])


def test_flows_that_disagree_on_what_their_table_is_are_refused() -> None:
    with pytest.raises(AuthorError, match=r"`scd_type` of the changes of `more` is 2; for `changes`, at tables.py:7"):
        Changes((flow(), flow("more", scd_type=2)))


def test_changes_of_several_sources_go_into_one_table() -> None:
    with collecting(Registry()) as found:
        create_streaming_table("registry")
        for source in ("changes", "more"):
            change_flow(target="registry", source=source, keys=["key"], sequence_by="number")
    found.close()
    changes = found.datasets["registry"].changes
    assert changes is not None
    assert [one.source for one in changes.flows] == ["changes", "more"]


def test_changes_of_a_table_with_other_rows_are_refused() -> None:
    with collecting(Registry()) as found:
        table(name="registry")(lambda: read("changes"))
    found.change_flows.append(flow())
    with pytest.raises(AuthorError, match=r"tables.py:7: `registry` is changed by key, and .*test_change_table.py:"):
        found.close()


def test_changes_of_a_table_that_nobody_declares_are_refused() -> None:
    found = Registry(change_flows=[flow()])
    with pytest.raises(AuthorError, match="`registry` is not a declared streaming table"):
        found.close()
