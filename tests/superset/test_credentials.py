from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import credentials
import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SMART_FACTORY_HOME", str(tmp_path / "a home"))
    for variable in credentials.OVERRIDES.values():
        monkeypatch.delenv(variable, raising=False)
    return tmp_path / "a home"


@pytest.mark.parametrize("name", credentials.OVERRIDES)
def test_secret_is_made_once_and_readable_by_its_owner_alone(home: Path, name: str) -> None:
    first = credentials.secret(name)
    file = home / "state" / "superset" / name
    assert len(first) >= 20
    assert credentials.secret(name) == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in file.parent.iterdir()] == [name]


def test_secrets_of_two_homes_and_names_differ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = {credentials.secret(name) for name in credentials.OVERRIDES}
    monkeypatch.setenv("SMART_FACTORY_HOME", str(tmp_path / "another"))
    made |= {credentials.secret(name) for name in credentials.OVERRIDES}
    assert len(made) == 6


def test_secret_of_the_environment_goes_first_and_is_not_written(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPERSET_ADMIN_PASSWORD", "given by hand")
    assert credentials.secret("admin_password") == "given by hand"
    assert credentials.where("admin_password") == "$SUPERSET_ADMIN_PASSWORD"
    assert not (home / "state" / "superset" / "admin_password").exists()


def test_derived_secrets_differ_by_purpose_and_stay() -> None:
    assert credentials.derived("one") == credentials.derived("one") != credentials.derived("two")
    assert credentials.secret("secret_key") not in {credentials.derived("one"), credentials.derived("two")}
