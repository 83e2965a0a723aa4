"""One stack for all tests that need Docker: a project of its own, on free ports, with an alert receiver."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "superset")]

from tests.compose.stack import Stack  # noqa: E402 - needs the folder above


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    if (
        shutil.which("docker") is None
        or subprocess.run(["docker", "info"], capture_output=True, check=False).returncode
    ):
        pytest.skip("There is no Docker engine here.")
    made = Stack()
    try:
        made.up("--build")
        yield made
    finally:
        made.end()
