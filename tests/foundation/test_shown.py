"""Names and values from outside cannot act on the terminal, the log or the message that shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import typer

from pipeline.commands.output import print_table
from pipeline.drawing.terminal import open_console
from pipeline.foundation.command_line import run_command
from pipeline.foundation.errors import DataError
from pipeline.foundation.shown import say, shown
from pipeline.notification.destination import Message

if TYPE_CHECKING:
    from collections.abc import Iterable

MARKUP = "[red]x[/red] [link=https://evil.example]y[/link]"
# A title, the clipboard, a cleared screen, and a name that reads backwards.
HOSTILE = f"a\x1b]0;owned\x07\x1b]52;c;b3duZWQ=\x9b2J\x7fexe.\u202egpj\u2066{MARKUP}.json"
HARMLESS = rf"a\x1b]0;owned\x07\x1b]52;c;b3duZWQ=\x9b2J\x7fexe.\u202egpj\u2066{MARKUP}.json"


def test_hostile_name_is_escaped_once_and_markup_stays_text() -> None:
    assert shown(HOSTILE) == HARMLESS
    assert shown(HARMLESS) == HARMLESS


@pytest.mark.parametrize("name", ["readings.json", "Gerät 7 (Süd).json", "工場.json", "क\u200dष", "👩\u200d🔧"])
def test_name_of_any_script_is_shown_as_it_is(name: str) -> None:
    assert shown(name) == name


def test_lines_stay_in_messages_and_not_in_names() -> None:
    assert shown("a\n\tb\r", lines=True) == "a\n\tb\\x0d"
    assert shown("a\nb") == "a\\x0ab"
    assert shown("a\u2028b", lines=True) == "a\\u2028b"


def test_name_that_is_not_utf_8_is_shown() -> None:
    assert shown(b"\xff.json".decode(errors="surrogateescape")) == r"\udcff.json"


def unsafe(text: str) -> Iterable[str]:
    return sorted(set(text) & set("\x1b\x07\x9b\x7f\u202e\u2066"))


def test_table_console_and_line_print_nothing_hostile(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(HOSTILE, ["file", HOSTILE], [[HOSTILE, "1"]])
    open_console().print(HOSTILE, markup=False)
    say(HOSTILE)
    printed = capsys.readouterr().out
    assert unsafe(printed) == []
    assert printed.count(MARKUP) == 5


def test_error_with_a_hostile_name_is_printed_safely(capsys: pytest.CaptureFixture[str]) -> None:
    app = typer.Typer()

    @app.command()
    def fail() -> None:
        problem = f"The file {HOSTILE} is wrong."
        raise DataError(problem, "Look at it.")

    assert run_command(app, "it", ["--debug"]) == 1
    printed = capsys.readouterr().err
    assert unsafe(printed) == []
    assert HARMLESS in printed


def test_notification_with_hostile_values_is_safe_where_it_is_shown() -> None:
    message = Message(f"[TRIGGERED] {HOSTILE}\n", f"Hot:\n{HOSTILE}", "failure")
    assert unsafe(message.subject + message.body) == []
    assert "\n" not in message.subject
    assert message.body == f"Hot:\n{HARMLESS}"
