"""Homes of format 1, as the last code of that format wrote them."""

from __future__ import annotations

import shutil
import tarfile
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from deltalake import DeltaTable

from pipeline.delta.table import Table
from pipeline.foundation.errors import EnvironmentFaultError
from pipeline.home.lock import locked
from pipeline.home.places import Home

if TYPE_CHECKING:
    from collections.abc import Iterator

ARCHIVE = Path(__file__).parent.parent / "home" / "fixtures" / "format-1.tar.gz"


@contextmanager
def extracted(name: str) -> Iterator[Home]:
    """Extract one of the homes to the folder in which it was made; it is deleted when the block ends."""
    with tarfile.open(ARCHIVE) as archive:
        place = archive.extractfile("place.txt")
        assert place is not None
        folder = Path(place.read().decode())
        with locked(folder.with_name(f"{folder.name}.lock"), timedelta(minutes=10), _busy):
            shutil.rmtree(folder, ignore_errors=True)
            archive.extractall(folder, filter="data")
            try:
                yield Home(folder / name)
            finally:
                shutil.rmtree(folder)


def _busy() -> EnvironmentFaultError:
    return EnvironmentFaultError("Another test uses the homes of format 1.", "Wait until it ends.")


def batches_by_note(home: Home) -> dict[tuple[str, str], int]:
    """Return the newest batch of each table and flow that a commit's note names."""
    newest: dict[tuple[str, str], int] = {}
    for folder in home.delta_tables():
        for batch, _ in Table(folder).commits():
            key = folder.name, batch.flow_id
            newest[key] = max(batch.batch_id, newest.get(key, -1))
    return newest


def batches_by_transaction(home: Home) -> dict[tuple[str, str], int | None]:
    """Return what Delta's transactions say about the same tables and flows."""
    tables = {folder.name: DeltaTable(folder) for folder in home.delta_tables()}
    return {(name, flow): tables[name].transaction_version(flow) for name, flow in batches_by_note(home)}
