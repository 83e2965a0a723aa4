"""How a command that ran an update ends."""

from __future__ import annotations

import pytest
import typer

from pipeline.commands.ending import exit_unless_completed, print_errors
from pipeline.foundation.errors import DataError
from pipeline.update.result import UpdateResult


def test_completed_update_does_not_end_the_command() -> None:
    exit_unless_completed(UpdateResult("u1", "COMPLETED"))


@pytest.mark.parametrize(("state", "code"), [("FAILED", 1), ("CANCELED", 130)])
def test_update_that_did_not_complete_ends_the_command_with_its_code(state: str, code: int) -> None:
    with pytest.raises(typer.Exit) as exited:
        exit_unless_completed(UpdateResult("u1", state))  # type: ignore[arg-type]
    assert exited.value.exit_code == code


def test_errors_are_printed_with_their_table_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    result = UpdateResult("u1", "FAILED", errors={"orders": DataError("A rule is broken.", "Correct the data.")})
    print_errors(result)
    assert capsys.readouterr() == ("", "orders: A rule is broken. Correct the data.\n")
