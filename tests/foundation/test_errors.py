"""Every error says what happened and, last, what helps."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

import pytest

import pipeline
from pipeline.flows.flow import FilesGoneError
from pipeline.flows.judged_write import ExpectationViolatedError
from pipeline.foundation.errors import LakehouseError, PipelineBusyError, UnknownNameError
from pipeline.ingest.evolution import NewColumnsError, NewKey
from pipeline.quality.judge import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES: list[LakehouseError] = [
    UnknownNameError("table", "silvr", ["silver", "gold"], "The pipeline"),
    UnknownNameError("table", "x", [], "The pipeline"),
    PipelineBusyError("update 1, process 2"),
    FilesGoneError("bronze", [f"/landing/{number}.json" for number in range(7)], "Put them back."),
    ExpectationViolatedError("silver", "has_id", Evidence(rows=4, failed={"has_id": 3})),
    NewColumnsError("orders", {"discount": NewKey("double", "a.json")}),
]


def error_classes(of: type[LakehouseError] = LakehouseError) -> Iterator[type[LakehouseError]]:
    yield of
    for child in of.__subclasses__():
        yield from error_classes(child)


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_error_is_sentences_that_end_with_the_next_step(error: LakehouseError) -> None:
    assert str(error) == f"{error.problem} {error.remedy}"
    assert error.problem[-1] == "."
    assert error.remedy[-1] in ".?"
    assert "\n" not in str(error)
    assert "{" not in str(error)


def test_error_classes_are_named_and_end_a_command_with_a_code_of_the_contract() -> None:
    for module in pkgutil.walk_packages(pipeline.__path__, "pipeline."):
        if not module.name.endswith(("__main__", "smart_factory")):
            importlib.import_module(module.name)
    own = [kind for kind in error_classes() if kind.__module__.startswith("pipeline.")]
    assert len(own) >= 8
    for kind in own:
        assert kind.__name__.endswith("Error")
        assert kind.exit_code in {1, 2, 3}
        assert kind.__doc__


def test_error_for_an_unknown_name_lists_what_is_known_where_nothing_is_near() -> None:
    assert UnknownNameError("table", "x", ["silver", "gold"], "Here").remedy == "Known are: gold, silver."
    assert UnknownNameError("table", "x", [], "Here").remedy == "Known are: none."
    assert FilesGoneError("b", [f"/{n}.json" for n in range(7)], "r").problem.endswith("4.json and 2 more.")
