from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.events.history import Record
from pipeline.foundation.clock import FixedClock
from pipeline.home.places import Home
from tests.conftest import NOON
from tests.events.log_writer import SCHEMA, LogWriter

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "a home")


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)


@pytest.fixture
def writer(home: Home, clock: FixedClock) -> LogWriter:
    return LogWriter(home, clock)


@pytest.fixture
def record(home: Home) -> Record:
    return Record(home, SCHEMA)
