"""Where everything is on disk."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.foundation.durable_file import create_folder
from pipeline.foundation.errors import AuthorError, EnvironmentFaultError
from pipeline.home.format import read_format
from pipeline.home.schema_places import SchemaPlaces, TablePlaces

# The folder of the packages: a checkout, or site-packages where the project is installed.
CHECKOUT = Path(__file__).resolve().parent.parent.parent
_IS_INSTALLED = CHECKOUT.name in {"site-packages", "dist-packages"}
# One slash will do: a path object has made one of two.
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
HOME_VARIABLE = "SMART_FACTORY_HOME"
# deltalake takes a path for an address, which cannot have these characters or reads them as others.
_UNSUITABLE = re.compile(r"[\[\]^|\\\x00-\x1f\x7f]|%[0-9A-Fa-f]{2}")


@dataclass
class Home:
    """The folder with the landing files, tables and state of one lakehouse.

    Attributes:
        root: A local folder; its path may contain spaces.
        landing: The folder in which files land, with a sub-folder for each source.
        state: The folder of everything except landed files and tables.
        format: The file with the number of the home's format.
        lock: The file that the running update has locked.
        holder_note: The file that describes the process which holds the lock.
        log: Spark's own log.
        scratch: The folder of Spark's temporary files.
        cluster_secret: The file with the secret that a Spark cluster's processes share.
        cluster_recovery: The folder from which a Spark master that starts again knows workers and sessions.
        alerts: The places of the alerts' state.
    """

    root: Path

    def __post_init__(self) -> None:
        self.landing = self.root / "landing"
        self.state = self.root / "state"
        self.format = self.state / "format.json"
        self.lock = self.state / "lock" / "update.lock"
        self.holder_note = self.lock.with_name("holder.json")
        self.log = self.state / "log" / "spark.log"
        self.scratch = self.state / "scratch"
        self.cluster_secret = self.state / "cluster" / "secret"
        self.cluster_recovery = self.state / "cluster" / "recovery"
        self.alerts = AlertPlaces(self.state / "alerts")

    @classmethod
    def find(cls, given: Path | None = None) -> Home:
        """Return the home that is given, else the environment's, else `lakehouse/` in the checkout.

        Where the project is installed without a checkout, `lakehouse/` in the working folder takes the latter's place.

        Raises:
            AuthorError: The path names another file system or a file, or has characters that Delta cannot use, or a
                later version wrote the home.
            DamagedStateError: The home's format cannot be read.
        """
        text = str(given) if given else os.environ.get(HOME_VARIABLE) or str(default_home())
        if _ADDRESS.match(text):
            problem = f"The home must be a local path; got `{text}`."
            raise AuthorError(problem, f"Set --home or {HOME_VARIABLE} to a folder of this machine.")
        # Spark resolves `..` in a path textually, and the names that it gives files have to begin with this one.
        root = Path(os.path.abspath(Path(text).expanduser()))  # noqa: PTH100
        if root.exists() and not root.is_dir():
            problem = f"The home `{root}` is a file; expected a folder."
            raise AuthorError(problem, f"Choose another folder with --home or {HOME_VARIABLE}.")
        if found := _UNSUITABLE.search(str(root)):
            problem = f"The home `{root}` has {found[0]!r} in its path, which Delta's libraries cannot use."
            raise AuthorError(problem, f"Choose another folder with --home or {HOME_VARIABLE}.")
        home = cls(root)
        read_format(home.format)
        return home

    def make_writable(self) -> None:
        """Create the folders that an update writes to; a new home is its owner's alone.

        Raises:
            EnvironmentFaultError: One of them cannot be created or written.
        """
        for folder in (self.root, self.landing, self.state):
            try:
                create_folder(folder)
            except OSError as error:
                problem = f"The home cannot be written: {folder}: {error.strerror}."
                remedy = f"Give yourself write permission, or choose another folder with --home or {HOME_VARIABLE}."
                raise EnvironmentFaultError(problem, remedy) from error
            if not os.access(folder, os.W_OK | os.X_OK):
                problem = f"The home cannot be written: {folder}: permission denied."
                remedy = f"Give yourself write permission, or choose another folder with --home or {HOME_VARIABLE}."
                raise EnvironmentFaultError(problem, remedy)

    def landing_of(self, source: str) -> Path:
        """Return the folder in which a source's files land."""
        return self.landing / source

    def landed_name(self, path: str) -> str:
        """Return the path of a landed file below its source's folder."""
        return path.removeprefix(f"{self.landing}/").partition("/")[2] or path

    def archive_of(self, source: str) -> Path:
        """Return the folder to which a source's ingested files are moved."""
        return self.root / "archive" / source

    def schema(self, name: str) -> SchemaPlaces:
        """Return the places of a target schema."""
        return SchemaPlaces(self.root, name)

    def table(self, schema: str, name: str) -> TablePlaces:
        """Return the places of one table of a target schema."""
        return self.schema(schema).table(name)

    def flows(self) -> list[TablePlaces]:
        """Return the places of every table, of any schema, whose flow has a position."""
        folders = sorted((self.state / "checkpoints").glob("*/*/"))
        return [self.table(folder.parent.name, folder.name) for folder in folders]

    def intents(self) -> list[Path]:
        """Return the files of all unfinished intents, of every schema."""
        kinds = ("full_refresh/*", "replay/*/*", "reprocess/*/*")
        return sorted(file for kind in kinds for file in self.state.glob(f"{kind}/intent.json"))

    def delta_tables(self) -> list[Path]:
        """Return the folders of the Delta tables of every schema, without those of the state."""
        return [log.parent for log in sorted(self.root.glob("*/*/_delta_log")) if not log.is_relative_to(self.state)]

    def relative(self, path: Path) -> str:
        """Return a path below the home, relative to it, as it is shown and stored."""
        return str(path.relative_to(self.root))


def default_home(*, installed: bool = _IS_INSTALLED) -> Path:
    """Return the home where neither an option nor the environment names one."""
    return (Path.cwd() if installed else CHECKOUT) / "lakehouse"


def support_folder(*, installed: bool = _IS_INSTALLED) -> Path:
    """Return the folder that has the jars of set-up (`.jars`) and the compiled suites (`.cache`).

    This is the checkout, or the user's cache folder where the project is installed without one.
    """
    if not installed:
        return CHECKOUT
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "lakehouse"


@dataclass
class AlertPlaces:
    """The places of the alerts' state.

    Attributes:
        root: Their folder.
        outbox: The file for notifications when no destination is set.
        heartbeat: The last heartbeat of `watch`.
        history_lock: The file that the writer of evaluations has locked.
    """

    root: Path

    def __post_init__(self) -> None:
        self.outbox = self.root / "outbox.jsonl"
        self.heartbeat = self.root / "heartbeat" / "watch.json"
        self.history_lock = self.root / "history.lock"

    def ledger(self, key: str) -> Path:
        """Return the state of one alert."""
        return self.root / f"{key}.json"
