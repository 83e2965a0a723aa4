"""What changes make of one key's rows, in plain Python, and random histories of keys to try it on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.declare.change_flow import DELETE, TRUNCATE, UPSERT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

COLUMNS = ("floor", "model", "limit")


@dataclass(frozen=True)
class Event:
    """One change: its key, its place in the order, what it does, and its values in the order of `COLUMNS`."""

    key: str
    sequence: int
    operation: int
    values: tuple[Any, ...] = (None, None, None)


def events_of_keys(dice: Random, keys: int, *, most: int = 7, truncates: int = 0) -> list[Event]:
    """Return histories, a key each: with duplicates, equal sequences, deletes and NULLs, in random order."""
    events = []
    for number in range(keys):
        for _ in range(dice.randint(1, most)):
            event = Event(f"K{number:04}", dice.randint(1, 9), UPSERT, tuple(map(dice.choice, _VALUES)))
            if dice.random() < 0.25:
                event = Event(event.key, event.sequence, DELETE, event.values)
            events += [event] * (2 if dice.random() < 0.1 else 1)
    events += [Event("", dice.randint(1, 9), TRUNCATE) for _ in range(truncates)]
    dice.shuffle(events)
    return events


_VALUES = (("North", "South", None), ("M1", "M2", None), (40, 50, None))


def newest_rows(events: Iterable[Event], *, ignore_null: bool = False) -> list[tuple[Any, ...]]:
    """Return the row of each key with type 1: the key and its values."""
    events = list(events)
    truncated = max((event.sequence for event in events if event.operation == TRUNCATE), default=0)
    found = []
    for key, history in _by_key(events).items():
        row: list[Any] | None = None
        for event in history:
            if event.sequence <= truncated:
                continue
            if event.operation == DELETE:
                row = None
            elif row is None or not ignore_null:
                row = list(event.values)
            else:
                row = [old if new is None else new for old, new in zip(row, event.values, strict=True)]
        if row is not None:
            found.append((key, *row))
    return sorted(found, key=str)


def versions(
    events: Iterable[Event], *, ignore_null: bool = False, tracked: tuple[str, ...] = COLUMNS
) -> list[tuple[Any, ...]]:
    """Return all versions of each key with type 2: the key, its values, and from when to when they held."""
    found = []
    for key, history in _by_key(events).items():
        current: list[Any] | None = None
        start = 0
        for event in history:
            if event.operation == DELETE:
                if current is not None:
                    found.append((key, *current, start, event.sequence))
                current = None
                continue
            new = list(event.values)
            if current is not None and ignore_null:
                new = [old if value is None else value for old, value in zip(current, new, strict=True)]
            if current is None or any(new[COLUMNS.index(name)] != current[COLUMNS.index(name)] for name in tracked):
                if current is not None:
                    found.append((key, *current, start, event.sequence))
                start = event.sequence
            current = new
        if current is not None:
            found.append((key, *current, start, None))
    return sorted(found, key=str)


def _by_key(events: Iterable[Event]) -> dict[str, list[Event]]:
    """Return each key's events in order, one for each sequence: a delete first, then the greatest values."""
    chosen: dict[tuple[str, int], Event] = {}
    for event in events:
        place = event.key, event.sequence
        if event.operation != TRUNCATE and (place not in chosen or _rank(event) > _rank(chosen[place])):
            chosen[place] = event
    keyed: dict[str, list[Event]] = {}
    for key, sequence in sorted(chosen):
        keyed.setdefault(key, []).append(chosen[key, sequence])
    return keyed


def _rank(event: Event) -> tuple[Any, ...]:
    return event.operation == DELETE, [(value is not None, value) for value in event.values]
