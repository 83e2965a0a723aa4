"""One kind of bad input, and how it lands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from generators.faults.sample import Sample
from generators.landing import Landing

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

# Puts a file's bytes into the folder: landing, label, bytes, extension.
Placement = Callable[[Landing, str, bytes, str], "Path"]


@dataclass(frozen=True)
class Fault:
    """One kind of bad input.

    Attributes:
        name: Unique; lower-case words joined by underscores.
        description: What the file is, in one line.
        content: Returns the file's bytes.
        good_records: How many of its records parse, whatever their values: each is a row of bronze without
            `_corrupt_record`. None if it depends on the reader.
        corrupt_records: How many rows of bronze have text in `_corrupt_record`. None if it depends on the reader.
        violates: The drop expectation that one of the good records violates; the others violate none. None if none
            does, or if it depends on the reader.
        sets_aside: Whether the file cannot be opened or decompressed, and so is set aside.
        label: The middle of the file's name. Defaults to the fault's name.
        extension: The end of the file's name.
        place: Puts the bytes into the folder.
        afterwards: Changes the file after an update has read it; None for most.
        is_large: Whether the file has hundreds of megabytes, and so lands only on request.
    """

    name: str
    description: str
    content: Callable[[Sample], bytes]
    good_records: int | None
    corrupt_records: int | None
    violates: str | None = None
    sets_aside: bool = False
    label: str = ""
    extension: str = ".json"
    place: Placement = Landing.write
    afterwards: Callable[[Landing, Path, Sample], None] | None = None
    is_large: bool = False

    @property
    def file_label(self) -> str:
        """The middle of the file's name."""
        return self.label or self.name


def land_fault(fault: Fault, landing: Landing, at: datetime, seed: int | None = None) -> Path:
    """Land one fault and return the path of its file, folder or link.

    Args:
        fault: What to land.
        landing: Where.
        at: The end of the minute in which its good readings are taken.
        seed: The same seed and moment give the same bytes. Random by default.

    Raises:
        EnvironmentFaultError: The folder cannot be written.
    """
    content = fault.content(Sample(at, seed, fault.name))
    landing.prepare()
    with landing.writable():
        return fault.place(landing, fault.file_label, content, fault.extension)


def return_to_fault(fault: Fault, landing: Landing, path: Path, at: datetime, seed: int | None = None) -> None:
    """Overwrite or delete the file of a fault, after it was read. Most faults stay as they are.

    Raises:
        EnvironmentFaultError: The folder cannot be written.
    """
    if fault.afterwards:
        with landing.writable():
            fault.afterwards(landing, path, Sample(at, seed, f"{fault.name} afterwards"))
