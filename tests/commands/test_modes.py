"""What a session is given, by what its update will have to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.commands import modes
from pipeline.commands.modes import fitting
from pipeline.home import Home
from pipeline.selection import Selection
from pipeline.settings import SparkSettings, load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import TestLakehouse

ANEW = Selection(full_refresh_all=True)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def land(home: Home, name: str, size: int) -> None:
    folder = home.landing / "sensor_readings"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b" " * size)


@pytest.mark.parametrize(("sizes", "expected"), [([], "quick"), ([600, 400], "quick"), ([600, 401], "thorough")])
def test_compiler_is_chosen_by_the_bytes_that_wait(
    sizes: list[int], expected: str, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modes, "_MANY_BYTES", 1000)
    for number, size in enumerate(sizes):
        land(home, f"{number}.json", size)
    assert fitting(load_settings(), home, Selection()).compiler == expected


@pytest.mark.parametrize("compiler", ["quick", "thorough"])
def test_compiler_that_the_settings_name_is_taken(compiler: str, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modes, "_MANY_BYTES", -1 if compiler == "quick" else 1000)
    spark = SparkSettings.model_validate({"compiler": compiler})
    settings = load_settings().model_copy(update={"spark": spark})
    assert [fitting(settings, home, one) for one in (Selection(), None)] == [spark, spark]


def test_session_that_serves_for_long_compiles_thoroughly_however_little_waits(home: Home) -> None:
    land(home, "a.json", 1)
    assert fitting(load_settings(), home, None).compiler == "thorough"


@pytest.mark.spark
def test_compiler_of_a_full_refresh_is_chosen_by_all_files(
    lakehouse: TestLakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    lakehouse.land("a.json", "{}" + " " * 1000)
    lakehouse.update()
    monkeypatch.setattr(modes, "_MANY_BYTES", 1000)
    assert fitting(load_settings(), lakehouse.home, Selection()).compiler == "quick"
    assert fitting(load_settings(), lakehouse.home, ANEW).compiler == "thorough"
