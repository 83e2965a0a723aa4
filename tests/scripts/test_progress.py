"""The line of a long step says how much it has made."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import pytest

from scripts.progress import Progress

if TYPE_CHECKING:
    from pathlib import Path


class Terminal(io.StringIO):
    """Takes what a terminal would show."""

    def isatty(self) -> bool:
        return True


def test_step_that_ends_shows_what_it_made_and_its_seconds(tmp_path: Path) -> None:
    shown = io.StringIO()
    with Progress("setup: jars", tmp_path, shown):
        assert shown.getvalue() == "setup: jars ..."
        (tmp_path / "a").write_bytes(bytes(3 << 20))
    assert re.fullmatch(r"setup: jars \.\.\. 3 MB in \d+ s\n", shown.getvalue())


def test_step_without_a_folder_shows_its_seconds() -> None:
    shown = io.StringIO()
    with Progress("setup: suites", None, shown):
        pass
    assert re.fullmatch(r"setup: suites \.\.\. \d+ s\n", shown.getvalue())


def test_step_on_a_terminal_writes_its_line_over_the_last_count(tmp_path: Path) -> None:
    shown = Terminal()
    with Progress("setup: jars", tmp_path, shown):
        pass
    assert re.fullmatch(r"setup: jars \.\.\.\rsetup: jars \.\.\. 0 MB in \d+ s\x1b\[K\n", shown.getvalue())


def test_step_that_fails_ends_its_line_without_figures(tmp_path: Path) -> None:
    shown = io.StringIO()
    with pytest.raises(OSError, match="full"), Progress("setup: jars", tmp_path, shown):
        raise OSError("full")
    assert shown.getvalue() == "setup: jars ...\n"
