from __future__ import annotations

import re
from collections import Counter

import pytest

from generators.fleet import fleet
from pipeline.foundation.errors import AuthorError


def test_fleet_of_fifteen_has_the_ids_and_floors_of_the_plant() -> None:
    assert [(device.device_id, device.location) for device in fleet(15)] == [
        ("MFG-A-1000", "Factory Floor A"),
        ("MFG-A-1001", "Factory Floor A"),
        ("MFG-A-1002", "Factory Floor A"),
        ("MFG-A-1003", "Factory Floor A"),
        ("MFG-A-1004", "Factory Floor A"),
        ("MFG-A-1005", "Factory Floor A"),
        ("MFG-A-1006", "Factory Floor A"),
        ("MFG-A-1007", "Factory Floor A"),
        ("MFG-A-1008", "Factory Floor A"),
        ("MFG-A-1009", "Factory Floor A"),
        ("MFG-B-2000", "Factory Floor B"),
        ("MFG-B-2001", "Factory Floor B"),
        ("MFG-B-2002", "Factory Floor B"),
        ("MFG-B-2003", "Factory Floor B"),
        ("MFG-B-2004", "Factory Floor B"),
    ]


def test_fleet_of_five_thousand_is_on_two_floors_two_to_one() -> None:
    floors = Counter(device.location for device in fleet(5000))
    assert floors == {"Factory Floor A": 3333, "Factory Floor B": 1667}


@pytest.mark.parametrize("devices", [1, 2, 3, 14, 5000, 13_500, 30_000])
def test_fleet_of_any_size_has_unique_ids_of_four_digits_on_their_own_floor(devices: int) -> None:
    plant = fleet(devices)
    assert len({device.device_id for device in plant}) == devices
    for device in plant:
        match = re.fullmatch(r"MFG-([A-Z])-\d{4}", device.device_id)
        assert match is not None
        assert device.location == f"Factory Floor {match[1]}"


def test_fleet_beyond_two_floors_uses_more_letters() -> None:
    assert {device.device_id[4] for device in fleet(30_000)} == {"A", "B", "C", "D"}


@pytest.mark.parametrize("devices", [0, -1, 1_000_000])
def test_fleet_of_an_impossible_size_is_the_authors_error(devices: int) -> None:
    with pytest.raises(AuthorError, match="number of devices"):
        fleet(devices)
