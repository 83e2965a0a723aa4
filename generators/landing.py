"""The folder that readings land in."""

from __future__ import annotations

import errno
import itertools
import os
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.foundation.durable_file import create_folder
from pipeline.foundation.errors import EnvironmentFaultError
from pipeline.home.places import Home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.foundation.clock import Clock

SENSOR_READINGS = "sensor_readings"
_NO_HARD_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


def landing_folder(home: Path | None = None) -> Path:
    """Return the folder of sensor readings in the given home; by default in the environment's, or the default one.

    Raises:
        AuthorError: The home is not a local folder.
    """
    return Home.find(home).landing_of(SENSOR_READINGS)


class Landing:
    """Writes files into one folder, atomically and under names that are never used twice.

    A name is `<UTC moment>-<sequence>-<label>-<8 random hex digits><extension>`: names sort in the order of
    landing, and all but the hex digits follow from the clock. Each file is first written under a hidden name, so
    readers of the folder never see a part of it. An existing file is never replaced.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder = folder
        self._clock = clock
        self._sequence = itertools.count(1)

    def prepare(self) -> None:
        """Create the folder if it is missing.

        Raises:
            EnvironmentFaultError: It cannot be created.
        """
        with self.writable():
            create_folder(self.folder)

    def has_files(self) -> bool:
        """Return whether the folder contains landed files."""
        return self.folder.is_dir() and any(not path.name.startswith(".") for path in self.folder.iterdir())

    def new_path(self, label: str, extension: str = ".json") -> Path:
        """Return the path of the next file, which does not exist yet."""
        moment = self._clock.now().strftime("%Y%m%dT%H%M%S%fZ")
        return self.folder / f"{moment}-{next(self._sequence):06}-{label}-{uuid.uuid4().hex[:8]}{extension}"

    def write(self, label: str, content: bytes, extension: str = ".json", *, mode: int | None = None) -> Path:
        """Land one file and return its path.

        Args:
            label: The middle of the name, usually the scenario's name.
            content: The bytes of the file.
            extension: The end of the name.
            mode: Permission bits. Defaults to those of any new file of the process.

        Raises:
            EnvironmentFaultError: The folder cannot be created or written.
        """
        self.prepare()
        path = self.new_path(label, extension)
        with self.writable(), self._hidden(path, content) as hidden:
            if mode is not None:
                hidden.chmod(mode)
            _publish(hidden, path)
        return path

    def overwrite(self, path: Path, content: bytes) -> None:
        """Replace a landed file atomically: readers see either the old bytes or the new ones.

        Raises:
            EnvironmentFaultError: The folder cannot be written.
        """
        with self.writable(), self._hidden(path, content) as hidden:
            hidden.replace(path)

    @contextmanager
    def writable(self) -> Iterator[None]:
        """Turn a file system error inside the block into a readable one.

        Raises:
            EnvironmentFaultError: The block raised an `OSError`.
        """
        try:
            yield
        except OSError as error:
            problem = f"The landing folder cannot be written: {self.folder}: {error.strerror}."
            remedy = "Free or repair that folder, or choose another one with --home or SMART_FACTORY_HOME."
            raise EnvironmentFaultError(problem, remedy) from error

    @contextmanager
    def _hidden(self, path: Path, content: bytes) -> Iterator[Path]:
        hidden = path.with_name(f".{uuid.uuid4().hex}.tmp")
        try:
            hidden.write_bytes(content)
            yield hidden
        finally:
            hidden.unlink(missing_ok=True)


def _publish(hidden: Path, path: Path) -> None:
    # A link fails if the name exists, a rename does not. Some mounts have no links; there the random part of the
    # name must suffice.
    try:
        os.link(hidden, path)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from error
        hidden.rename(path)
