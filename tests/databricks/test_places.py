"""Places on this machine for the paths and outside tables of a source."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.databricks.places import Places
from pipeline.foundation.errors import AuthorError

HERE = Path("/my files")


def places(paths: dict[str, Path] | None = None, tables: dict[str, Path] | None = None) -> Places:
    return Places(HERE, paths or {}, tables or {})


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/Volumes/main/raw", HERE / "landing"),
        ("/Volumes/main/raw/", HERE / "landing"),
        ("dbfs:/Volumes/main/raw/orders/*.json", HERE / "landing/orders/*.json"),
        ("/Volumes/main/raw/special/a", HERE / "elsewhere/a"),
    ],
)
def test_path_stands_where_the_longest_beginning_says(path: str, expected: Path) -> None:
    known = {"/Volumes/main/raw/": HERE / "landing", "/Volumes/main/raw/special": HERE / "elsewhere"}
    assert places(known).local(path) == expected


@pytest.mark.parametrize("path", ["/Volumes/main/rawer", "s3://raw/orders/", "abfss://a@b/c", "/mnt/x", "dbfs:/y"])
def test_path_without_a_place_is_refused_with_the_setting_to_write(path: str) -> None:
    with pytest.raises(AuthorError, match="stands nowhere on this machine") as raised:
        places({"/Volumes/main/raw": HERE}).local(path)
    assert raised.value.remedy.startswith("Name a folder in the settings, such as `paths: {")


def test_path_of_this_machine_is_beside_the_settings_file() -> None:
    assert places().local("/data/orders") == Path("/data/orders")
    assert places().local("data/orders") == HERE / "data/orders"


@pytest.mark.parametrize("named", ["samples.nyctaxi.trips", "nyctaxi.trips", "trips"])
def test_outside_table_is_found_by_any_of_its_names(named: str) -> None:
    file = HERE / "trips.csv"
    assert places(tables={named: file}).table("samples.nyctaxi.Trips", "samples.nyctaxi.trips") == (file, "csv")


def test_outside_table_that_nothing_stands_for_is_not_found() -> None:
    assert places(tables={"ref.countries": HERE / "c.parquet"}).table("ref.towns", "main.ref.towns") is None
