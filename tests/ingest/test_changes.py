"""Files that came again: size and time say which to look at, their digests whether they are another version."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pipeline.checkpoint.position import Position
from pipeline.declare.files_source import FilesSource
from pipeline.home.places import Home
from pipeline.ingest.file_state import FileRecord, FileState
from pipeline.ingest.landing import LandedFile
from pipeline.ingest.zone import LandingZone

if TYPE_CHECKING:
    from pathlib import Path

FIRST, OTHER = b'{"a": 1}', b'{"a": 2}'


class Landed:
    """A file that a flow has read, in a landing zone without any pipeline."""

    def __init__(self, root: Path) -> None:
        self._home = Home(root)
        self._position = Position(root / "checkpoints")
        self._state = FileState(root / "files")
        self._moment = self._updates = 0
        self.file = self._home.landing_of("orders") / "a.json"
        self.file.parent.mkdir(parents=True)
        self.write(FIRST)
        read = LandedFile.found_at(str(self.file))
        self.read = FileRecord(
            path=read.path,
            state="ingested",
            size_bytes=read.size_bytes,
            modified_at=read.modified_at,
            status_changed_at=read.status_changed_at,
            rows=1,
            sha256=hashlib.sha256(FIRST).hexdigest(),
            flow_id=self._position.flow_id(),
            update_id="update 0",
            batch_key="batch 0",
        )
        self._state.add([self.read])

    def zone(self, *, allow_overwrites: bool = False) -> LandingZone:
        source = FilesSource("orders", allow_overwrites=allow_overwrites)
        return LandingZone(self._home, source, self._state, self._position)

    def write(self, content: bytes) -> None:
        """Write the file anew, a second later than before."""
        self._moment += 1
        self.file.write_bytes(content)
        os.utime(self.file, (self._moment, self._moment))

    def know(self, record: FileRecord) -> None:
        self._state.add([replace(record, batch_key=f"known {record.state}")])

    def look(self, *, allow_overwrites: bool = False) -> list[str]:
        self._updates += 1
        return self.zone(allow_overwrites=allow_overwrites).due_again(f"update {self._updates}", every_one=False)

    def lost(self, *, allow_overwrites: bool = False) -> list[str]:
        return self.zone(allow_overwrites=allow_overwrites).lost({str(self.file)})

    def record(self) -> FileRecord:
        return self._state.current()[str(self.file)]

    def states(self) -> int:
        return len(list((self._state.path / "_delta_log").glob("*.json")))


@pytest.fixture
def landed(tmp_path: Path) -> Landed:
    return Landed(tmp_path)


@pytest.mark.parametrize("allow_overwrites", [False, True])
def test_same_bytes_that_come_again_are_not_another_version(landed: Landed, allow_overwrites: bool) -> None:
    landed.write(FIRST)
    assert landed.look(allow_overwrites=allow_overwrites) == []
    record = landed.record()
    assert (record.state, record.error, record.update_id) == ("ingested", None, "update 0")
    assert record.modified_at == LandedFile.found_at(str(landed.file)).modified_at
    assert landed.lost(allow_overwrites=allow_overwrites) == []


def test_file_that_came_again_is_digested_once(landed: Landed) -> None:
    landed.write(FIRST)
    landed.look()
    written = landed.states()
    landed.look()
    assert landed.states() == written


def test_other_bytes_of_the_same_size_are_another_version(landed: Landed) -> None:
    landed.write(OTHER)
    assert landed.look() == []
    record = landed.record()
    assert (record.state, record.rows, record.update_id) == ("overwritten", 1, "update 1")
    assert str(record.error).startswith("another version came: 8 bytes, modified 1970-01-01T00:00:02+00:00, sha256 ")
    assert hashlib.sha256(OTHER).hexdigest() in str(record.error)
    assert record.sha256 == hashlib.sha256(FIRST).hexdigest()
    assert landed.lost() == [str(landed.file)]


def test_other_version_is_read_where_overwrites_are_allowed(landed: Landed) -> None:
    landed.write(OTHER)
    assert landed.look(allow_overwrites=True) == [str(landed.file)]
    assert landed.record() == replace(landed.read, sequence=0)
    assert landed.lost(allow_overwrites=True) == []


def test_other_version_that_no_update_has_seen_is_lost_to_a_full_refresh(landed: Landed) -> None:
    landed.write(OTHER)
    assert landed.lost() == [str(landed.file)]
    landed.write(FIRST)
    assert landed.lost() == []


def test_first_version_that_comes_back_ends_the_overwriting(landed: Landed) -> None:
    for _ in range(2):
        landed.write(OTHER)
        landed.look()
        assert landed.record().state == "overwritten"
        landed.write(FIRST)
        assert landed.lost() == []
        landed.look()
        assert (landed.record().state, landed.record().error) == ("ingested", None)


def test_version_that_was_not_read_is_read_once_overwrites_are_allowed(landed: Landed) -> None:
    landed.write(OTHER)
    landed.look()
    assert landed.look(allow_overwrites=True) == [str(landed.file)]


def test_file_of_no_known_digest_that_comes_again_may_be_another_version(landed: Landed) -> None:
    landed.know(replace(landed.read, sha256=None))
    landed.write(FIRST)
    assert landed.look() == []
    record = landed.record()
    assert record.state == "overwritten"
    assert str(record.error).startswith("another version, or the same (its digest is not known), came: 8 bytes")
    assert landed.look(allow_overwrites=True) == [str(landed.file)]


def test_file_that_was_set_aside_is_tried_again_with_the_same_bytes(landed: Landed) -> None:
    landed.know(replace(landed.read, state="set aside", error="OSError: no"))
    landed.write(FIRST)
    assert landed.look() == [str(landed.file)]


def test_file_whose_name_is_not_utf_8_does_not_stop_the_look_at_others(landed: Landed) -> None:
    (landed.file.parent / os.fsdecode(b"\xff.json")).touch()
    landed.write(OTHER)
    assert landed.look(allow_overwrites=True) == [str(landed.file)]
