"""The sensors of the plant."""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_uppercase

from pipeline.foundation.errors import AuthorError

_FIRST_NUMBERS = {"A": 1000, "B": 2000}
_FIRST_NUMBER_ELSEWHERE = 1000
_LAST_NUMBER = 9999


@dataclass(frozen=True)
class Device:
    """One sensor: its id, `MFG-<floor letter>-<4 digits>`, and its floor."""

    device_id: str
    location: str


def fleet(devices: int) -> tuple[Device, ...]:
    """Return the given number of devices, two thirds on floor A and one third on floor B.

    Ids are unique, and the same for the same number of devices. When A or B has no numbers of four digits left,
    floors C, D and so on follow.

    Raises:
        AuthorError: The number is below 1, or too large for the floors A to Z.
    """
    room = {floor: _LAST_NUMBER - _first_number(floor) + 1 for floor in ascii_uppercase}
    if not 1 <= devices <= sum(room.values()):
        problem = f"The number of devices must be from 1 to {sum(room.values())}; got {devices}."
        raise AuthorError(problem, "Correct --devices.")
    wanted_on_a = (2 * devices + 1) // 3
    numbered: list[Device] = []
    for floor in ascii_uppercase:
        wanted = {"A": wanted_on_a, "B": devices - wanted_on_a}.get(floor, devices - len(numbered))
        numbered += _devices_on(floor, min(wanted, room[floor]))
    return tuple(numbered)


def _first_number(floor: str) -> int:
    return _FIRST_NUMBERS.get(floor, _FIRST_NUMBER_ELSEWHERE)


def _devices_on(floor: str, count: int) -> list[Device]:
    first = _first_number(floor)
    return [Device(f"MFG-{floor}-{number}", f"Factory Floor {floor}") for number in range(first, first + count)]
