"""Files of good and spoiled records put together at random, each record with a mark and the place where it has to end."""

from __future__ import annotations

import codecs
import gzip
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from hypothesis import strategies as st

from tests.conftest import reading

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Place = Literal["silver", "quarantine", "corrupt"]


class Kind(NamedTuple):
    """A way to send a record.

    Attributes:
        raw: JSON text, valid or not, that follows a key.
        place: Where the record ends, in bronze and in one table behind it, or as text in bronze.
        rescued: Keys whose values are in `_rescued_data`.
        rule: The dropping expectation that it violates.
        wide: A key that becomes a column or, where its type does not fit, is rescued; with its value.
    """

    raw: dict[str, str]
    place: Place = "silver"
    rescued: tuple[str, ...] = ()
    rule: str | None = None
    wide: tuple[str, object] | None = None


GOOD = "good"
KINDS: dict[str, Kind] = {
    GOOD: Kind({}),
    "words_for_a_number": Kind({"temperature_celsius": '"warm"'}, rescued=("temperature_celsius",)),
    "object_for_a_number": Kind({"vibration_hz": '{"value":[1,{"of":2}]}'}, rescued=("vibration_hz",)),
    "true_for_a_number": Kind({"vibration_hz": "true"}, rescued=("vibration_hz",)),
    "nan": Kind({"temperature_celsius": "NaN"}, rescued=("temperature_celsius",)),
    "overflow": Kind({"temperature_celsius": "1e999"}, rescued=("temperature_celsius",)),
    "number_as_text": Kind({"temperature_celsius": '"21.5"'}),
    "null_device": Kind({"device_id": "null"}, "quarantine", rule="valid_device_id"),
    "blank_device": Kind({"device_id": '" \\t"'}, "quarantine", rule="valid_device_id"),
    "time_alone": Kind({"timestamp": '"T10:00"'}, "quarantine", rule="valid_event_timestamp"),
    "ancient": Kind({"timestamp": '"1875-05-20T08:00:00"'}, "quarantine", rule="plausible_event_timestamp"),
    "too_hot": Kind({"temperature_celsius": "9999"}, "quarantine", rule="plausible_temperature"),
    "other_case": Kind({"Temperature_Celsius": "1"}, rescued=("Temperature_Celsius",)),
    "illegal_name": Kind({"humidity (%)": "41.5"}, rescued=("humidity (%)",)),
    "reserved_name": Kind({"record_id": '"mine"', "_rescued_data": "{}"}, rescued=("record_id", "_rescued_data")),
    "new_number": Kind({"pressure_bar": "1.5"}, wide=("pressure_bar", 1.5)),
    "new_text": Kind({"pressure_bar": '"low"'}, wide=("pressure_bar", "low")),
    "key_twice": Kind({}, "corrupt"),
    "no_value": Kind({"temperature_celsius": ""}, "corrupt"),
    "cut_off": Kind({}, "corrupt"),
    "open_text": Kind({}, "corrupt"),
    "text_alone": Kind({}, "corrupt"),
}

CONTAINERS: dict[str, Callable[[Sequence[str]], bytes]] = {
    "lines": lambda texts: "".join(f"{text}\n" for text in texts).encode(),
    "lines_of_windows": lambda texts: "".join(f"{text}\r\n\r\n" for text in texts).encode(),
    "array": lambda texts: f"[{','.join(texts)}]\n".encode(),
    "array_of_lines": lambda texts: "[\n{}\n]".format(",\n".join(texts)).encode(),
    "two_arrays": lambda texts: f"[{','.join(texts[::2])}] [{','.join(texts[1::2])}]\n".encode(),
    "marked_array": lambda texts: codecs.BOM_UTF8 + f"[{','.join(texts)}]".encode(),
}


@dataclass(frozen=True)
class Sent:
    """One record of a file: how it is sent, and what a good one says."""

    kind: str
    device: str
    temperature: float

    def record(self, mark: str) -> dict[str, object]:
        """Return the record as it was before anything was spoiled; its location is the mark."""
        whole = reading(self.device, temperature_celsius=self.temperature, location=mark)
        return {"location": mark, **whole}

    def text(self, mark: str) -> str:
        """Return the content of the file."""
        if self.kind == "text_alone":
            return json.dumps(mark)
        members = {key: json.dumps(value) for key, value in self.record(mark).items()} | KINDS[self.kind].raw
        whole = "{" + ",".join(f"{json.dumps(key)}:{raw}" for key, raw in members.items()) + "}"
        return {
            "key_twice": whole[:-1] + ',"device_id":"another"}',
            "cut_off": f'{{"location":"{mark}","temperature_celsius":21',
            "open_text": f'{{"location":"{mark}',
        }.get(self.kind, whole)


@dataclass(frozen=True)
class MixedFile:
    """A file to land.

    Attributes:
        is_cut: Whether the compressed file ends early; it lands whole before the second update.
    """

    label: str
    container: str
    sent: tuple[Sent, ...]
    is_compressed: bool = False
    is_cut: bool = False
    marks: tuple[str, ...] = field(default=(), compare=False)

    def marked(self, number: int) -> MixedFile:
        """Return the file with a mark of its own for each record."""
        marks = tuple(f"m{number:02}-{index:03}" for index in range(len(self.sent)))
        return MixedFile(self.label, self.container, self.sent, self.is_compressed, self.is_cut, marks)

    def content(self, *, whole: bool) -> bytes:
        """Return the file's bytes."""
        texts = [record.text(mark) for record, mark in zip(self.sent, self.marks, strict=True)]
        content = CONTAINERS[self.container](texts)
        if not self.is_compressed:
            return content
        packed = gzip.compress(content, mtime=0)
        return packed if whole or not self.is_cut else packed[: len(packed) // 2]


_RECORDS = st.builds(
    Sent,
    st.just(GOOD) | st.sampled_from(sorted(KINDS)),
    st.sampled_from(["MFG-A-1000", "MFG-B-2000", "工場-Ω \"1\" 'x' \\ \n"]),
    st.floats(20, 60, width=32),
)
MIXED_FILES = st.builds(
    MixedFile,
    st.sampled_from(["plain", "a b", "floor%20A", "größe-Ω", 'it\'s "it"']),
    st.sampled_from(sorted(CONTAINERS)),
    st.lists(_RECORDS, min_size=1, max_size=8).map(tuple),
    st.booleans(),
    st.booleans(),
)
