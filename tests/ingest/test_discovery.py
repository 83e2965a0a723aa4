"""Finding files: what is written into lists, what a batch takes of them, and what is never found twice."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pipeline.checkpoint.position import Position
from pipeline.declare.files_source import FilesSource
from pipeline.delta.batch import Batch
from pipeline.ingest.discovery import Discovery
from pipeline.ingest.file_lists import FileList, FileLists
from pipeline.ingest.file_state import FileState, file_records
from pipeline.ingest.landing import LandedFile
from pipeline.ingest.reader import FileOutcome
from tests.conftest import NOON

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import TestLakehouse


class Zone:
    """A landing folder with the state of its flow, which a test moves on as Spark would."""

    def __init__(self, root: Path) -> None:
        self.landing = root / "landing"
        self.landing.mkdir()
        self.position = Position(root / "checkpoints")
        self.file_state = FileState(root / "files")

    def discovery(self, lists_kept: int = 100, **options: int) -> Discovery:
        source = FilesSource("landing", **options)  # type: ignore[arg-type]
        return Discovery(self.landing, source, self.position, self.file_state, lists_kept)

    @property
    def file_lists(self) -> FileLists:
        return FileLists(self.position.checkpoint() / "discovered")

    def lists(self) -> dict[int, list[str]]:
        return {number: names(self.file_lists.read(number).paths) for number in self.file_lists.numbers()}

    def land(self, name: str, size: int = 1, at: int = 0) -> None:
        file = self.landing / name
        file.write_bytes(b" " * size)
        os.utime(file, (at, at))

    def plan(self, batch: int, entry: int | None = None) -> None:
        """Have a batch planned, up to an entry of the source's log; its own number by default."""
        self._log("offsets", batch, f'{{"logOffset":{batch if entry is None else entry}}}')

    def finish(self, batch: int) -> None:
        """Have a batch of files read and done, the file state first."""
        files = [LandedFile(path, 1, NOON, NOON) for path, _ in self.discovery().files_of(batch)]
        key = Batch("an update", "bronze", self.position.flow_id(), batch)
        outcomes = [FileOutcome(file.path) for file in files]
        self.file_state.add(file_records(files, outcomes, key, key.flow_id, {}, NOON))
        self._log("commits", batch, "{}")

    def _log(self, kind: str, batch: int, last_line: str) -> None:
        folder = self.position.checkpoint() / kind
        folder.mkdir(parents=True, exist_ok=True)
        (folder / str(batch)).write_text(f"v1\n{{}}\n{last_line}\n")


def names(paths: list[str]) -> list[str]:
    return [path.rsplit("/", 1)[-1] for path in paths]


@pytest.fixture
def zone(tmp_path: Path) -> Zone:
    return Zone(tmp_path)


def test_new_files_go_into_lists_oldest_first_and_no_file_twice(zone: Zone) -> None:
    for name, at in (("b.json", 3), ("a.json", 9), ("c.json.gz", 1), (".d.json", 0), ("_e.json", 0), ("f.json.tmp", 0)):
        zone.land(name, at=at)
    assert zone.discovery(max_files_per_trigger=2).look(NOON) == 3
    assert zone.lists() == {0: ["c.json.gz", "b.json"], 1: ["a.json"]}
    zone.land("g.json", at=0)
    zone.land("a.json", at=5)
    assert zone.discovery().look(NOON) == 4
    assert zone.discovery().look(NOON) == 4
    assert zone.lists() == {0: ["c.json.gz", "b.json"], 1: ["a.json"], 2: ["g.json"]}


def test_list_is_no_larger_than_the_source_allows_unless_a_single_file_is(zone: Zone) -> None:
    for number, size in enumerate((3, 3, 9, 1)):
        zone.land(f"{number}.json", size, at=number)
    zone.discovery(max_bytes_per_trigger=6).look(NOON)
    assert zone.lists() == {0: ["0.json", "1.json"], 1: ["2.json"], 2: ["3.json"]}


def test_files_of_a_batch_that_is_done_stay_taken_when_its_list_is_gone(zone: Zone) -> None:
    for number in range(4):
        zone.land(f"{number}.json", at=number)
    zone.discovery(max_files_per_trigger=1).look(NOON)
    for batch in range(3):
        zone.plan(batch)
        zone.finish(batch)
    zone.discovery(lists_kept=2).look(NOON)
    assert list(zone.lists()) == [0, 1, 2, 3]
    zone.plan(3)
    zone.finish(3)
    zone.discovery(lists_kept=2).look(NOON)
    assert zone.lists() == {2: ["2.json"], 3: ["3.json"]}
    zone.land("4.json", at=4)
    assert zone.discovery(lists_kept=2).look(NOON) == 5
    assert zone.lists() == {2: ["2.json"], 3: ["3.json"], 4: ["4.json"]}


def test_file_is_taken_from_the_moment_it_is_in_a_list_to_the_moment_its_batch_is_done(zone: Zone) -> None:
    zone.land("a.json")
    zone.discovery().look(NOON)
    zone.plan(0)
    zone.discovery().look(NOON)
    zone.finish(0)
    zone.discovery().look(NOON)
    assert zone.lists() == {0: ["a.json"]}


class SlowWriter(FileState):
    """A file state whose reader takes so long that another writer lists the same file meanwhile."""

    def __init__(self, zone: Zone) -> None:
        super().__init__(zone.file_state.path)
        self._zone = zone

    def known_among(self, paths: list[str], flow_id: str, *, with_ignored: bool = True) -> set[str]:
        self._zone.discovery().look(NOON)
        return super().known_among(paths, flow_id, with_ignored=with_ignored)


def test_two_writers_at_once_never_take_a_file_under_two_numbers(zone: Zone) -> None:
    zone.land("a.json")
    discovery = Discovery(zone.landing, FilesSource("landing"), zone.position, SlowWriter(zone))
    assert discovery.look(NOON) == 1
    assert zone.lists() == {0: ["a.json"]}


def test_batch_takes_the_lists_with_the_numbers_of_its_entries_in_the_log(zone: Zone) -> None:
    for number in range(4):
        zone.land(f"{number}.json", at=number)
    zone.discovery(max_files_per_trigger=1).look(NOON)
    zone.plan(0)
    # After a kill between the log of the source and the plan, the next batch takes two entries.
    zone.plan(1, entry=2)
    found = [zone.discovery().files_of(batch) for batch in (0, 1)]
    assert [names([path for path, _ in files]) for files in found] == [["0.json"], ["1.json", "2.json"]]
    assert [moment for _, moment in zone.discovery().files_of(0)] == [NOON]
    assert names(zone.discovery().listed_behind(1)) == ["3.json"]
    assert names(zone.discovery().listed_behind(-1)) == ["0.json", "1.json", "2.json", "3.json"]


def test_files_wait_behind_a_batch_whether_they_are_in_a_list_or_not(zone: Zone) -> None:
    for name in ("a.json", "b.json"):
        zone.land(name, at=ord(name[0]))
        zone.discovery().look(NOON)
    zone.land("c.json", at=ord("c"))
    zone.plan(0)
    assert names([file.path for file in zone.discovery().waiting_behind(-1)]) == ["a.json", "b.json", "c.json"]
    assert names([file.path for file in zone.discovery().waiting_behind(0)]) == ["b.json", "c.json"]
    zone.finish(0)
    assert names([file.path for file in zone.discovery().waiting_behind(0)]) == ["b.json", "c.json"]


def test_files_gather_until_every_list_is_read(zone: Zone) -> None:
    zone.land("a.json")
    zone.discovery().look_once_read(NOON)
    zone.land("b.json")
    zone.discovery().look_once_read(NOON)
    assert (zone.lists(), zone.discovery().has_read_all()) == ({0: ["a.json"]}, False)
    zone.plan(0)
    zone.finish(0)
    assert zone.discovery().has_read_all()
    zone.discovery().look_once_read(NOON)
    assert zone.lists() == {0: ["a.json"], 1: ["b.json"]}


def test_files_that_are_there_at_the_first_look_are_left_if_the_source_says_so(zone: Zone) -> None:
    zone.land("old.json", size=3)
    assert not zone.discovery(include_existing_files=False).has_looked
    assert zone.discovery(include_existing_files=False).look(NOON) == 1
    zone.land("new.json")
    assert zone.discovery(include_existing_files=False).look(NOON) == 2
    assert zone.lists() == {0: ["new.json"]}
    (left,) = zone.file_state.current(zone.position.flow_id()).values()
    assert (names([left.path]), left.state, left.size_bytes) == (["old.json"], "ignored", 3)
    assert left.error == "it was there at the first look, and include_existing_files is off"


def test_first_look_at_an_empty_folder_leaves_nothing(zone: Zone) -> None:
    zone.discovery(include_existing_files=False).look(NOON)
    zone.land("new.json")
    zone.discovery(include_existing_files=False).look(NOON)
    assert zone.lists() == {0: ["new.json"]}


def test_files_that_were_left_are_found_once_the_source_includes_them(zone: Zone) -> None:
    zone.land("old.json")
    zone.discovery(include_existing_files=False).look(NOON)
    zone.discovery().look(NOON)
    assert zone.lists() == {0: ["old.json"]}


@pytest.mark.parametrize("times", [1, 2])
def test_flow_that_begins_anew_finds_what_was_taken_and_leaves_what_was_left(zone: Zone, times: int) -> None:
    zone.land("old.json")
    zone.discovery(include_existing_files=False).look(NOON)
    zone.land("new.json")
    zone.discovery(include_existing_files=False).look(NOON)
    zone.plan(0)
    zone.finish(0)
    for _ in range(times):
        zone.discovery(include_existing_files=False).begin("another")
        zone.position.renew("another")
    zone.discovery(include_existing_files=False).look(NOON)
    assert zone.lists() == {0: ["new.json"]}
    left = zone.file_state.current("another")
    assert {names([path])[0]: record.state for path, record in left.items()} == {"old.json": "ignored"}


def test_list_that_a_batch_needs_and_that_is_gone_or_cut_short_is_named(zone: Zone) -> None:
    for number in range(2):
        zone.land(f"{number}.json", at=number)
    zone.discovery(max_files_per_trigger=1).look(NOON)
    zone.plan(0)
    zone.finish(0)
    zone.plan(1)
    assert zone.discovery().broken_files() == []
    list_of_batch = zone.file_lists.file(1)
    list_of_batch.write_text('{"paths"')
    assert zone.discovery().broken_files() == [list_of_batch]
    list_of_batch.unlink()
    assert zone.discovery().broken_files() == [list_of_batch]


def test_file_state_that_has_lost_the_files_of_a_batch_is_named(zone: Zone) -> None:
    zone.land("a.json")
    zone.discovery().look(NOON)
    zone.plan(0)
    zone.finish(0)
    zone.file_state = FileState(zone.landing.parent / "lost")
    assert zone.discovery().broken_files() == [zone.file_state.path]


def test_list_number_is_given_once(tmp_path: Path) -> None:
    lists = FileLists(tmp_path)
    lists.create(7, FileList(NOON, ["/a.json"]))
    with pytest.raises(FileExistsError):
        lists.create(7, FileList(NOON, ["/b.json"]))
    assert (lists.numbers(), lists.read(7)) == ([7], FileList(NOON, ["/a.json"]))


@pytest.mark.spark
def test_update_takes_lists_by_number_whatever_their_times_are(lines: TestLakehouse) -> None:
    places = lines.home.table("lines", "raw")
    position, file_state = Position(places.checkpoints), FileState(places.file_state)
    for number in range(5):
        file = lines.land(f"{number}.json", [{"id": str(number)}], folder="lines")
        os.utime(file, (number, number))
    source = FilesSource("lines", max_files_per_trigger=1)
    Discovery(lines.home.landing_of("lines"), source, position, file_state).look(NOON)
    lists = FileLists(position.checkpoint() / "discovered")
    for number in lists.numbers():
        moment = NOON.timestamp() - number
        os.utime(lists.file(number), (moment, moment))
    assert lines.update(refresh=("raw",)).state == "COMPLETED"
    batches = {path.rsplit("/", 1)[-1]: record.batch_id for path, record in file_state.current().items()}
    assert batches == {"0.json": 0, "1.json": 1, "2.json": 2, "3.json": 3, "4.json": 4}
