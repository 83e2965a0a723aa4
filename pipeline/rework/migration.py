"""Brings an older home to the current format, before anything else is written into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from pipeline.delta.errors import TABLE_ERRORS
from pipeline.foundation.errors import DamagedStateError
from pipeline.home.format import FORMAT, read_format, write_format
from pipeline.home.lock import exclusive

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.foundation.clock import Clock
    from pipeline.home.places import Home

Step = Callable[[], None]


@contextmanager
def writing(home: Home, clock: Clock, what: str) -> Iterator[None]:
    """Hold the lakehouse's lock inside the block, and bring an older home to the current format first.

    Everything that writes tables or state begins with this. A new home gets the current format.

    Args:
        home: The lakehouse.
        clock: Says since when the lock is held.
        what: What the holder does, for others to read.

    Raises:
        PipelineBusyError: Another process holds the lakehouse.
        NewerHomeError: A later version wrote the home; nothing is written.
        DamagedStateError: A table of an older home cannot be read.
    """
    with exclusive(home, clock, what):
        migrate(home)
        yield


def ensure_current(home: Home, clock: Clock) -> None:
    """Bring an older home to the current format, for programs that write beside a running update.

    Raises:
        PipelineBusyError: The home is older, and another process holds it.
        NewerHomeError: A later version wrote the home; nothing is written.
        DamagedStateError: A table of an older home cannot be read.
    """
    if read_format(home.format) != FORMAT:
        with writing(home, clock, "migration"):
            pass


def migrate(home: Home) -> None:
    """Bring a home to the current format; the caller holds its lock.

    It may be killed at any moment: the next migration does what is left.

    Raises:
        NewerHomeError: A later version wrote the home; nothing is written.
        DamagedStateError: A table cannot be read.
    """
    for step in pending_steps(home):
        step()


def pending_steps(home: Home) -> Iterator[Step]:
    """Yield the steps to the current format, in order; doing one again changes nothing.

    The last step to each format writes its number.
    """
    found = read_format(home.format)
    if found is None and not _was_written(home):
        found = FORMAT
        yield partial(write_format, home.format, FORMAT)
    for number in range(found or 1, FORMAT):
        yield from _STEPS[number](home)
        yield partial(write_format, home.format, number + 1)


def _was_written(home: Home) -> bool:
    """Return whether an update or an alert has ever written into a home."""
    return bool(home.delta_tables()) or any((home.state / "checkpoints").glob("*"))


def _from_1_to_2(home: Home) -> Iterator[Step]:
    """Tables name every batch as Delta's transaction; file states know every file that was taken, and its digest.

    In format 1 some commits named their batch in their note only, and a list beside the checkpoint held all paths.
    """
    from pipeline.ingest.format_1 import migrate_digests, migrate_taken_files  # noqa: PLC0415 - only for an older home

    for folder in home.delta_tables():
        yield partial(_name_batches, folder)
    for places in home.flows():
        yield partial(migrate_taken_files, places)
        yield partial(migrate_digests, places)


def _name_batches(folder: Path) -> None:
    from pipeline.delta.format_1 import name_batches  # noqa: PLC0415 - only for an older home
    from pipeline.delta.table import Table  # noqa: PLC0415

    try:
        table = Table(folder)
        # Opening the table finds damage that reading notes passes over.
        table.version()
        name_batches(table)
    except (*TABLE_ERRORS, ValueError) as error:
        reason = str(error).splitlines()[0]
        problem = f"The home cannot be brought to format {FORMAT}: the table {folder} cannot be read: {reason}."
        remedy = f"Restore the folder, or move it away and run with `--full-refresh {folder.name}`."
        raise DamagedStateError(problem, remedy) from error


_STEPS: dict[int, Callable[[Home], Iterator[Step]]] = {1: _from_1_to_2}
