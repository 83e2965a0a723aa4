from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.foundation.errors import AuthorError, EnvironmentFaultError
from pipeline.home.places import CHECKOUT, Home

NOBODY = 65534


def test_home_is_the_one_given_before_the_environments_and_the_checkouts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMART_FACTORY_HOME", str(tmp_path / "from environment"))
    assert Home.find(tmp_path / "given").root == tmp_path / "given"
    assert Home.find().root == tmp_path / "from environment"
    monkeypatch.delenv("SMART_FACTORY_HOME")
    assert Home.find().root == CHECKOUT / "lakehouse"


def test_home_given_relative_to_the_working_folder_is_made_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Home.find(Path("a home")).root == tmp_path / "a home"
    assert Home.find(Path("elsewhere/../a home")).root == tmp_path / "a home"


@pytest.mark.parametrize("text", ["s3://bucket/home", "file:/a/home", "file:///a/home"])
def test_home_on_another_file_system_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("SMART_FACTORY_HOME", text)
    with pytest.raises(AuthorError, match="must be a local path"):
        Home.find()
    with pytest.raises(AuthorError, match="must be a local path"):
        Home.find(Path(text))


def test_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(AuthorError, match="is a file; expected a folder"):
        Home.find(tmp_path / "home")


@pytest.mark.parametrize("name", ["a[b", "a]b", "a^b", "a|b", "a\\b", "a\tb", "100%20b"])
def test_home_whose_path_delta_cannot_use_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(AuthorError, match=r"in its path, which Delta's libraries cannot use\. Choose another folder"):
        Home.find(tmp_path / name / "home")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a b", "100 %", "{a,b}", "*?", "#1", "Größe", "a%zz"])
def test_home_whose_path_looks_like_a_pattern_or_an_address_is_taken(tmp_path: Path, name: str) -> None:
    assert Home.find(tmp_path / name).root == tmp_path / name


@pytest.mark.parametrize("in_the_way", ["landing", "state"])
def test_file_where_a_folder_of_the_home_belongs_is_one_sentence_with_a_remedy(tmp_path: Path, in_the_way: str) -> None:
    (tmp_path / in_the_way).write_text("")
    with pytest.raises(EnvironmentFaultError, match=r"The home cannot be written: .* --home or SMART_FACTORY_HOME"):
        Home(tmp_path).make_writable()


@pytest.mark.parametrize("folder", ["", "not there yet"])
def test_home_that_another_user_owns_is_one_sentence_with_a_remedy(tmp_path: Path, folder: str) -> None:
    tmp_path.chmod(0o555)
    user = os.geteuid()
    if user == 0:
        # Root may write anywhere, so somebody else has to try.
        tmp_path.parent.parent.chmod(0o755)
        tmp_path.parent.chmod(0o755)
        os.seteuid(NOBODY)
    try:
        with pytest.raises(EnvironmentFaultError, match=r"The home cannot be written: .*[Pp]ermission denied"):
            Home(tmp_path / folder).make_writable()
    finally:
        os.seteuid(user)
        tmp_path.chmod(0o755)


def test_home_that_an_update_creates_is_its_owners_alone(tmp_path: Path) -> None:
    home = Home(tmp_path / "a home")
    home.make_writable()
    assert [oct(folder.stat().st_mode & 0o777) for folder in (home.root, home.landing, home.state)] == ["0o700"] * 3


def test_home_that_exists_keeps_its_permissions(tmp_path: Path) -> None:
    home = Home(tmp_path / "a home")
    home.root.mkdir(mode=0o750)
    home.root.chmod(0o750)
    home.make_writable()
    assert oct(home.root.stat().st_mode & 0o777) == "0o750"
