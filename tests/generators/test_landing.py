from __future__ import annotations

import errno
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from generators.landing import Landing, landing_folder
from pipeline.foundation.clock import FixedClock
from pipeline.foundation.errors import EnvironmentFaultError

NOW = datetime(2026, 1, 31, 10, 0, 0, 123456, tzinfo=UTC)


def test_landing_folder_of_a_given_home_is_its_sensor_readings(tmp_path: Path) -> None:
    assert landing_folder(tmp_path / "my home") == tmp_path / "my home" / "landing" / "sensor_readings"


def test_landing_folder_without_a_given_home_follows_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMART_FACTORY_HOME", str(tmp_path))
    assert landing_folder() == tmp_path / "landing" / "sensor_readings"


def test_landing_folder_without_home_and_environment_is_in_the_checkout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SMART_FACTORY_HOME", raising=False)
    assert landing_folder().parts[-3:] == ("lakehouse", "landing", "sensor_readings")


def test_written_file_has_its_bytes_and_a_name_of_moment_sequence_and_label(tmp_path: Path) -> None:
    path = Landing(tmp_path / "new" / "folder", FixedClock(NOW)).write("batch", b"[]\n")
    assert path.read_bytes() == b"[]\n"
    assert re.fullmatch(r"20260131T100000123456Z-000001-batch-[0-9a-f]{8}\.json", path.name)
    assert list(path.parent.iterdir()) == [path]


def test_names_sort_in_the_order_of_landing(tmp_path: Path) -> None:
    clock = FixedClock(NOW)
    landing = Landing(tmp_path, clock)
    paths = [landing.write(label, b"") for label in ("trigger-event", "batch", "late")]
    clock.advance(timedelta(microseconds=1))
    paths.append(Landing(tmp_path, clock).write("batch", b""))
    assert paths == sorted(paths)


def test_writers_at_the_same_moment_never_share_a_name(tmp_path: Path) -> None:
    paths = {Landing(tmp_path, FixedClock(NOW)).write("batch", b"") for _ in range(50)}
    assert len(list(tmp_path.iterdir())) == len(paths) == 50


@pytest.mark.parametrize("has_links", [True, False], ids=["links", "no links"])
def test_name_that_is_taken_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_links: bool
) -> None:
    taken = tmp_path / "taken.json"
    taken.write_bytes(b"first")
    landing = Landing(tmp_path, FixedClock(NOW))
    monkeypatch.setattr(landing, "new_path", lambda *_: taken)
    if not has_links:
        monkeypatch.setattr(os, "link", refuse_link)
    with pytest.raises(EnvironmentFaultError):
        landing.write("batch", b"second")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"taken.json": b"first"}


def test_file_on_a_mount_without_links_lands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", refuse_link)
    path = Landing(tmp_path, FixedClock(NOW)).write("batch", b"[]\n")
    assert path.read_bytes() == b"[]\n"
    assert list(tmp_path.iterdir()) == [path]


def test_disk_that_fills_up_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def half_write(self: Path, content: bytes) -> int:
        with self.open("wb") as file:
            file.write(content[:1])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half_write)
    with pytest.raises(EnvironmentFaultError, match="No space left on device"):
        Landing(tmp_path, FixedClock(NOW)).write("batch", b"[]\n")
    assert list(tmp_path.iterdir()) == []


def test_landing_below_a_file_is_the_environments_fault_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "landing").write_text("a file")
    with pytest.raises(EnvironmentFaultError, match=r"cannot be written: .*landing.* --home"):
        Landing(tmp_path / "landing" / "sensor_readings", FixedClock(NOW)).prepare()


def refuse_link(*_: object) -> None:
    raise OSError(errno.EPERM, "Operation not permitted")


def test_home_that_the_plant_creates_is_its_owners_alone(tmp_path: Path) -> None:
    Landing(landing_folder(tmp_path / "home"), FixedClock(NOW)).write("batch", b"[]\n")
    assert oct((tmp_path / "home").stat().st_mode & 0o777) == "0o700"
