"""How a command line ends."""

from __future__ import annotations

import pytest
import typer

from pipeline.foundation.command_line import run_command
from pipeline.foundation.errors import EnvironmentFaultError

Captured = pytest.CaptureFixture[str]


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        pytest.param(
            EnvironmentFaultError("The disk is full.", "Free some."), 1, "The disk is full. Free some.", id="own"
        ),
        pytest.param(ZeroDivisionError("by zero"), 1, "Unexpected ZeroDivisionError: by zero.", id="unexpected"),
        pytest.param(KeyboardInterrupt(), 130, "Interrupted", id="interrupt"),
        pytest.param(typer.Abort(), 1, "Canceled.", id="declined"),
    ],
)
def test_error_of_a_command_is_one_message_and_debug_adds_the_traceback(
    capsys: Captured, error: BaseException, code: int, said: str, debug: bool
) -> None:
    failing = typer.Typer()

    @failing.command()
    def fail() -> None:
        raise error

    assert run_command(failing, "fail", ["--debug"] if debug else []) == code
    message = capsys.readouterr().err
    assert said in message
    if isinstance(error, Exception) and not isinstance(error, typer.Abort):
        assert ("Traceback" in message) is debug


@pytest.mark.parametrize(("returned", "code"), [(None, 0), (3, 3), ("a text", 0)])
def test_command_that_returns_ends_with_the_number_it_returned(returned: object, code: int) -> None:
    app = typer.Typer()

    @app.command()
    def work() -> object:
        return returned

    assert run_command(app, "work", []) == code


def test_command_that_exits_ends_with_its_code() -> None:
    app = typer.Typer()

    @app.command()
    def work() -> None:
        raise typer.Exit(5)

    assert run_command(app, "work", []) == 5


def test_help_of_every_program_names_the_debug_option(capsys: Captured) -> None:
    app = typer.Typer()
    app.command("one")(lambda: None)
    app.command("two")(lambda: None)

    assert run_command(app, "work", ["--help"]) == 0
    assert "--debug" in capsys.readouterr().out
