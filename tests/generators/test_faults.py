from __future__ import annotations

import codecs
import gzip
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from generators.faults import FAULTS, Fault, land_fault, return_to_fault
from generators.faults.bombs import BOMB_FAULTS, BOMB_MEGABYTES
from generators.landing import Landing
from pipeline.foundation.clock import FixedClock
from pipeline.foundation.errors import EnvironmentFaultError

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 1, 31, 10, 0, tzinfo=UTC)
SMALL_FAULTS = [fault for fault in FAULTS if not fault.is_large]
COUNTED_FAULTS = [
    fault
    for fault in SMALL_FAULTS
    if fault.good_records is not None and not fault.sets_aside and fault not in BOMB_FAULTS
]
NOT_A_CHARACTER = re.compile("[\udc80-\udcff]")
OPENS_A_LINE = re.compile(r"(?m)^[ \t]*(?=[{\[])")


def named(name: str) -> Fault:
    return next(fault for fault in FAULTS if fault.name == name)


def land(name: str, folder: Path) -> Path:
    return land_fault(named(name), Landing(folder, FixedClock(NOW)), NOW, seed=7)


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    landing = Landing(tmp_path_factory.mktemp("faults"), FixedClock(NOW))
    return {fault.name: land_fault(fault, landing, NOW, seed=7) for fault in SMALL_FAULTS}


def read_records(content: bytes) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the records that parse and the text of the others, by the contract's definition, slowly."""
    encoding = "utf-16" if content.startswith(codecs.BOM_UTF16_LE) else "utf-8"
    text = content.decode(encoding, "surrogateescape").removeprefix("\ufeff")
    line_openings = {match.end() for match in OPENS_A_LINE.finditer(text)}
    good: list[dict[str, Any]] = []
    corrupt: list[str] = []
    position = 0
    while position < len(text):
        if text[position] in " \t\r\n,[]":
            position += 1
            continue
        value, end = parsed_at(text, position)
        if isinstance(value, dict) and NOT_A_CHARACTER.search(text[position:end]):
            corrupt.append(text[position:end])
        elif isinstance(value, dict):
            good.append(value)
        else:
            if end == position or text[end] not in ",]":
                end = stretch_end(text, position, line_openings)
            corrupt.append(text[position:end])
        position = end
    return good, corrupt


def parsed_at(text: str, position: int) -> tuple[Any, int]:
    try:
        return json.JSONDecoder(object_pairs_hook=without_duplicates).raw_decode(text, position)
    except ValueError:
        return None, position


def without_duplicates(members: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(members)) < len(members):
        raise ValueError
    return dict(members)


def stretch_end(text: str, begin: int, line_openings: set[int]) -> int:
    for position in range(begin + 1, len(text)):
        if position in line_openings:
            return position
        follows_separator = text[begin:position].rstrip(" \t")[-1:] in {",", "[", "]", "\n"}
        if text[position] == "{" and follows_separator and parsed_at(text, position)[1] > position:
            return position
    return len(text)


def test_faults_have_unique_names_and_a_description() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert len({fault.file_label for fault in FAULTS}) == len(FAULTS)
    assert all(re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", fault.name) and fault.description for fault in FAULTS)


@pytest.mark.parametrize("fault", COUNTED_FAULTS, ids=lambda fault: fault.name)
def test_fault_has_the_good_and_corrupt_records_that_it_declares(landed: dict[str, Path], fault: Fault) -> None:
    good, corrupt = read_records(landed[fault.name].read_bytes())
    assert (len(good), len(corrupt)) == (fault.good_records, fault.corrupt_records)


@pytest.mark.parametrize("fault", COUNTED_FAULTS, ids=lambda fault: fault.name)
def test_fault_violates_the_drop_expectation_that_it_declares_in_exactly_one_record(
    landed: dict[str, Path], fault: Fault
) -> None:
    good, _ = read_records(landed[fault.name].read_bytes())
    broken = [rule for record in good if (rule := first_broken_rule(record))]
    assert broken == ([fault.violates] if fault.violates else [])


def first_broken_rule(record: dict[str, Any]) -> str | None:
    if not (record.get("device_id") or "").strip():
        return "valid_device_id"
    celsius = record["temperature_celsius"]
    if isinstance(celsius, float | int) and -1e300 < celsius < 1e300 and not -50 <= celsius <= 200:
        return "plausible_temperature"
    timestamp = str(record["timestamp"])
    if re.fullmatch(r"\d{10}|\d{13}", timestamp):
        return None
    try:
        year = datetime.fromisoformat(timestamp).year
    except ValueError:
        return "valid_event_timestamp"
    return None if 2000 <= year <= NOW.year else "plausible_event_timestamp"


@pytest.mark.parametrize("fault", SMALL_FAULTS, ids=lambda fault: fault.name)
def test_fault_with_the_same_seed_and_moment_has_the_same_bytes_under_a_new_name(
    landed: dict[str, Path], tmp_path: Path, fault: Fault
) -> None:
    again = land(fault.name, tmp_path)
    assert again.name != landed[fault.name].name
    if again.is_file():
        assert again.read_bytes() == landed[fault.name].read_bytes()


def test_file_names_of_faults_carry_spaces_percent_signs_other_scripts_quotes_and_brackets(
    tmp_path: Path,
) -> None:
    assert "floor A  line 1" in land("spaces_in_file_name", tmp_path).name
    assert "%20A%2F" in land("percent_in_file_name", tmp_path).name
    assert "工場" in land("unicode_in_file_name", tmp_path).name
    assert "'A'-\"line\"" in land("quotes_in_file_name", tmp_path).name
    assert "[A]{1,2}*?" in land("glob_in_file_name", tmp_path).name


def test_big_record_has_ten_megabytes(tmp_path: Path) -> None:
    assert land("big_record", tmp_path).stat().st_size > 10_000_000


def test_wide_record_has_five_thousand_more_keys(tmp_path: Path) -> None:
    assert [len(record) for record in json.loads(land("wide_record", tmp_path).read_bytes())] == [5, 5005, 5]


def test_duplicate_keys_are_in_one_record_between_good_ones(tmp_path: Path) -> None:
    elements = land("duplicate_keys", tmp_path).read_text().split("},{")
    assert [element.count('"temperature_celsius"') for element in elements] == [1, 2, 1]


def test_truncated_gzip_cannot_be_decompressed_to_its_end(tmp_path: Path) -> None:
    path = land("truncated_gzip", tmp_path)
    assert path.name.endswith(".json.gz")
    with pytest.raises(EOFError):
        gzip.decompress(path.read_bytes())


def test_file_without_permission_has_no_permission_bits(tmp_path: Path) -> None:
    assert land("no_read_permission", tmp_path).stat().st_mode & 0o777 == 0


@pytest.mark.parametrize("fault", BOMB_FAULTS, ids=lambda fault: fault.name)
def test_bomb_is_small_on_disk_and_has_a_reading_at_each_end(landed: dict[str, Path], fault: Fault) -> None:
    assert landed[fault.name].stat().st_size < 1024**2
    with gzip.open(landed[fault.name]) as stream:
        first = json.loads(stream.readline())
        rest = stream.read()
    last = json.loads(rest.splitlines()[-1])
    assert first.keys() == last.keys() >= {"device_id", "timestamp"}
    if fault.name.startswith(("long", "open", "many_blanks", "many_commas", "many_line_ends")):
        assert len(rest) > BOMB_MEGABYTES * 1024**2


def test_links_and_pipes_are_what_they_are_called(tmp_path: Path) -> None:
    assert str(land("link_out_of_the_landing_folder", tmp_path).readlink()) == "/proc/self/environ"
    assert land("pipe", tmp_path).is_fifo()


def test_folder_named_like_a_file_is_a_folder(tmp_path: Path) -> None:
    path = land("folder_named_like_a_file", tmp_path)
    assert path.is_dir()
    assert path.suffix == ".json"


def test_symlink_loop_cannot_be_opened(tmp_path: Path) -> None:
    path = land("symlink_loop", tmp_path)
    assert path.is_symlink()
    with pytest.raises(OSError, match="symbolic links"):
        path.read_bytes()


def test_overwritten_file_gets_other_readings_under_the_same_name(tmp_path: Path) -> None:
    path = land("overwritten_file", tmp_path)
    before = json.loads(path.read_bytes())
    return_to_fault(named("overwritten_file"), Landing(tmp_path, FixedClock(NOW)), path, NOW, seed=7)
    after = json.loads(path.read_bytes())
    assert (len(before), len(after)) == (3, 4)
    assert not [record for record in after if record in before]
    assert list(tmp_path.iterdir()) == [path]


def test_deleted_file_is_missing_afterwards(tmp_path: Path) -> None:
    path = land("deleted_file", tmp_path)
    return_to_fault(named("deleted_file"), Landing(tmp_path, FixedClock(NOW)), path, NOW)
    assert list(tmp_path.iterdir()) == []


def test_fault_without_a_change_afterwards_stays_as_it_is(tmp_path: Path) -> None:
    path = land("nan", tmp_path)
    before = path.read_bytes()
    return_to_fault(named("nan"), Landing(tmp_path, FixedClock(NOW)), path, NOW)
    assert path.read_bytes() == before


def test_fault_in_an_impossible_folder_is_the_environments_fault(tmp_path: Path) -> None:
    (tmp_path / "landing").write_text("a file")
    with pytest.raises(EnvironmentFaultError, match="cannot be written"):
        land("symlink_loop", tmp_path / "landing" / "sensor_readings")
