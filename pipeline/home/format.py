"""The format of a home: a number that says how its files are laid out, so that later code can read earlier homes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipeline.foundation.durable_file import replace_file
from pipeline.foundation.errors import AuthorError, DamagedStateError

if TYPE_CHECKING:
    from pathlib import Path

# CHANGELOG.md says what changed with each format; `pipeline.rework.migration` has the steps.
FORMAT = 2


class NewerHomeError(AuthorError):
    """A later version of the project wrote the home."""

    def __init__(self, home: Path, found: int) -> None:
        self.found = found
        super().__init__(
            f"The home {home} has format {found}; this version reads formats up to {FORMAT}.",
            "Use the version that wrote it or a later one, or choose another home with --home or SMART_FACTORY_HOME.",
        )


def read_format(file: Path) -> int | None:
    """Return the format that a home's format file names, or None where there is no such file.

    A home of format 1 has none, nor has a new one.

    Args:
        file: `state/format.json` of the home.

    Raises:
        NewerHomeError: This version does not know the format.
        DamagedStateError: The file cannot be read.
    """
    try:
        number = int(json.loads(file.read_text(encoding="utf-8"))["format"])
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        problem = f"The home's format cannot be read: {file}: {error!r}."
        remedy = f'Restore the file; in a home that this version has written it is {{"format": {FORMAT}}}.'
        raise DamagedStateError(problem, remedy) from error
    if number > FORMAT:
        raise NewerHomeError(file.parent.parent, number)
    return number


def write_format(file: Path, number: int) -> None:
    """Write the format of a home; it is on disk when this returns."""
    replace_file(file, json.dumps({"format": number}) + "\n")
