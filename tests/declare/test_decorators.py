from __future__ import annotations

import inspect
from datetime import timedelta
from typing import Any

import pytest

from pipeline import materialized_view, table, temporary_view
from pipeline.declare.dataset import Registry, TimeWindow
from pipeline.declare.decorators import collecting
from pipeline.foundation.errors import AuthorError, UnknownNameError


def rows() -> Any:
    """Return no rows."""


def line_here() -> int:
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


def test_declaration_becomes_a_record_with_all_that_it_says() -> None:
    with collecting(Registry()) as registry:
        line = line_here() + 1
        decorate = table(
            comment="A comment",
            expectations="a_suite",
            expectation_columns=["limit"],
            quarantine="rejected",
            reset_allowed=False,
        )
        assert decorate(rows) is rows
    (dataset,) = registry.datasets.values()
    assert (dataset.name, dataset.kind, dataset.query, dataset.comment) == (
        "rows",
        "streaming_table",
        rows,
        "A comment",
    )
    assert (dataset.expectations, dataset.expectation_columns) == ("a_suite", ("limit",))
    assert (dataset.quarantine, dataset.reset_allowed) == ("rejected", False)
    assert str(dataset.location) == f"{__file__}:{line}"


def test_declaration_without_options_takes_name_and_comment_from_its_function() -> None:
    with collecting(Registry()) as registry:
        table(rows)
        materialized_view(name="hours", keys=("device",), time_window=TimeWindow("at", timedelta(hours=1)))(rows)
        temporary_view(name="step")(rows)
    assert [(item.name, item.kind, item.comment) for item in registry.datasets.values()] == [
        ("rows", "streaming_table", "Return no rows."),
        ("hours", "materialized_view", "Return no rows."),
        ("step", "temporary_view", "Return no rows."),
    ]
    assert registry.datasets["hours"].keys == ("device",)


def test_declaration_outside_of_a_pipeline_leaves_the_function_callable() -> None:
    assert table(comment="Nobody collects it")(rows) is rows


@pytest.mark.parametrize(
    ("decorator", "option", "nearest"),
    [
        pytest.param(table, "expectation", "expectations", id="misspelt"),
        pytest.param(table, "keys", None, id="of_another_kind"),
        pytest.param(materialized_view, "quarantine", None, id="view_with_quarantine"),
        pytest.param(materialized_view, "time_windows", "time_window", id="misspelt_of_view"),
        pytest.param(temporary_view, "reset_allowed", None, id="of_what_is_not_stored"),
    ],
)
def test_unknown_option_is_refused_with_file_line_and_nearest_name(
    decorator: Any, option: str, nearest: str | None
) -> None:
    with pytest.raises(UnknownNameError) as raised:
        decorator(**{option: "x"})(rows)
    assert f"{__file__}:" in str(raised.value)
    assert f"`{option}`" in str(raised.value)
    assert (f"Did you mean `{nearest}`?" if nearest else "Known are: ") in str(raised.value)


@pytest.mark.parametrize(
    ("decorator", "options", "said"),
    [
        pytest.param(table, {"name": "Bronze"}, "`Bronze` is not a valid dataset name", id="capital"),
        pytest.param(table, {"name": "a b"}, "`a b` is not a valid dataset name", id="blank"),
        pytest.param(table, {"name": "_a"}, "`_a` is not a valid dataset name", id="leading_underscore"),
        pytest.param(table, {"name": "tür"}, "`tür` is not a valid dataset name", id="umlaut"),
        pytest.param(table, {"name": "1a"}, "`1a` is not a valid dataset name", id="leading_digit"),
        pytest.param(table, {"name": 7}, "`7` is not a valid dataset name", id="number"),
        pytest.param(table, {"comment": 7}, "`comment` of `rows` must be a text; got 7", id="comment"),
        pytest.param(table, {"expectations": ["a"]}, "`expectations` of `rows` must be a text", id="suite"),
        pytest.param(
            table, {"expectations": "a", "quarantine": 1}, "`quarantine` of `rows` must be a text", id="quarantine"
        ),
        pytest.param(table, {"quarantine": "bad"}, "no expectations that fill it", id="quarantine_alone"),
        pytest.param(table, {"expectation_columns": "a"}, "must be a list of column names", id="columns_as_text"),
        pytest.param(table, {"expectation_columns": 5}, "must be a list of column names", id="columns_as_number"),
        pytest.param(table, {"reset_allowed": "no"}, "`reset_allowed` of `rows` must be", id="reset_as_text"),
        pytest.param(materialized_view, {"keys": [1]}, "must be a list of column names", id="keys_of_numbers"),
        pytest.param(materialized_view, {"keys": "device"}, "must be a list of column names", id="keys_as_text"),
        pytest.param(materialized_view, {"time_window": "1h"}, "`time_window` of `rows` must be", id="window_text"),
    ],
)
def test_option_of_a_wrong_type_is_refused_with_file_and_line(
    decorator: Any, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(AuthorError) as raised:
        decorator(**options)(rows)
    assert raised.value.problem.startswith(f"{__file__}:")
    assert said in raised.value.problem
    assert raised.value.exit_code == 2


def test_name_declared_twice_is_refused_with_both_places() -> None:
    with collecting(Registry()):
        table(rows)
        line = line_here() - 1
        with pytest.raises(AuthorError, match="`rows` is declared already") as raised:
            materialized_view(rows)
    assert f"{__file__}:{line}" in raised.value.problem
    assert f"{__file__}:{line + 3}" in raised.value.problem
