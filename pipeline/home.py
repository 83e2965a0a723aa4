"""Where everything lives on disk."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import AuthorError, EnvironmentFaultError

CHECKOUT = Path(__file__).resolve().parent.parent
# One slash will do: a path object has made one of two.
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
HOME_VARIABLE = "SMART_FACTORY_HOME"


@dataclass(frozen=True)
class Home:
    """The folder that holds landing files, tables and state of one lakehouse.

    Attributes:
        root: A local folder; its path may contain blanks.
    """

    root: Path

    @classmethod
    def find(cls, given: Path | None = None) -> Home:
        """Return the home that is given, else the environment's, else `lakehouse/` in the checkout.

        Raises:
            AuthorError: The path names another file system, or a file stands where the folder belongs.
            EnvironmentFaultError: The folder cannot be created or written.
        """
        text = str(given) if given else os.environ.get(HOME_VARIABLE) or str(CHECKOUT / "lakehouse")
        if _ADDRESS.match(text):
            problem = f"The home must be a local path; got `{text}`."
            raise AuthorError(problem, f"Set --home or {HOME_VARIABLE} to a folder of this machine.")
        # Spark resolves `..` in a path by its text; the names it gives files have to begin with this one.
        root = Path(os.path.abspath(Path(text).expanduser()))  # noqa: PTH100
        if root.exists() and not root.is_dir():
            problem = f"The home `{root}` is a file; expected a folder."
            raise AuthorError(problem, f"Choose another folder with --home or {HOME_VARIABLE}.")
        return cls(root)

    def make_writable(self) -> None:
        """Create the folders that an update writes to.

        Raises:
            EnvironmentFaultError: One of them cannot be created or written.
        """
        for folder in (self.root, self.landing, self.state):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                problem = f"The home cannot be written: {folder}: {error.strerror}."
                remedy = f"Give yourself write permission, or choose another folder with --home or {HOME_VARIABLE}."
                raise EnvironmentFaultError(problem, remedy) from error
            if not os.access(folder, os.W_OK | os.X_OK):
                problem = f"The home cannot be written: {folder}: permission denied."
                remedy = f"Give yourself write permission, or choose another folder with --home or {HOME_VARIABLE}."
                raise EnvironmentFaultError(problem, remedy)

    @property
    def landing(self) -> Path:
        """The folder below which files land, a sub-folder for each source."""
        return self.root / "landing"

    @property
    def state(self) -> Path:
        """The folder of checkpoints, schema log, file state, locks and secrets."""
        return self.root / "state"

    @property
    def lock(self) -> Path:
        """The file whose lock the running update holds."""
        return self.state / "lock" / "update.lock"

    @property
    def log(self) -> Path:
        """The file that takes Spark's own log."""
        return self.state / "log" / "spark.log"

    def schema(self, name: str) -> Path:
        """Return the folder of a target schema's Delta tables."""
        return self.root / name
