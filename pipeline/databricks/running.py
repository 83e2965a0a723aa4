"""Running an author's code: what it sees meanwhile, and which of its lines a message is about."""

from __future__ import annotations

import sys
import threading
import traceback
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.databricks.places import stands_elsewhere
from pipeline.declare.dataset import SourceLocation
from pipeline.foundation.errors import AuthorError, NoDataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType, ModuleType

    from pipeline.databricks.reads import SourceReads

_MISSING = object()
_ENGINE = Path(__file__).parents[1]
# Modules are the process's, and several queries may run at once.
_SWAPPING = threading.RLock()


@dataclass
class Running:
    """The code of one pipeline, while it runs.

    Attributes:
        reads: What it reads through.
        modules: The modules that it finds under Databricks' names.
        folders: Where its own modules are; they win over any other.
        files: The files of the source.
    """

    reads: SourceReads
    modules: dict[str, ModuleType]
    folders: Sequence[Path]
    files: set[str]
    _own: dict[str, ModuleType] = field(default_factory=dict)
    _inside: int = 0
    _outer: dict[str, Any] = field(default_factory=dict)
    _outer_attribute: Any = None

    def __post_init__(self) -> None:
        self._finder = _PlacedModules(self)

    @contextmanager
    def active(self) -> Iterator[None]:
        """Let code inside the block see the pipeline's modules, and read through it."""
        token = _running.set(self)
        self._enter()
        try:
            yield
        finally:
            self._leave()
            _running.reset(token)

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Let code inside the block see what the process sees."""
        token = _running.set(None)
        with _SWAPPING:
            inside, self._inside = self._inside, 0
            if inside:
                self._swap_out()
        try:
            yield
        finally:
            with _SWAPPING:
                if inside and not self._inside:
                    self._swap_in()
                self._inside += inside
            _running.reset(token)

    def _enter(self) -> None:
        with _SWAPPING:
            if not self._inside:
                self._swap_in()
            self._inside += 1

    def _leave(self) -> None:
        with _SWAPPING:
            self._inside -= 1
            if not self._inside:
                self._swap_out()

    def _swap_in(self) -> None:
        import pyspark  # noqa: PLC0415 - declarations of other pipelines need no Spark

        names = {name for folder in self.folders for name in _modules_in(folder)}
        taken = [name for name in sys.modules if name.partition(".")[0] in names or name in self.modules]
        self._outer = {name: sys.modules.pop(name) for name in taken}
        sys.modules.update(self._own)
        sys.modules.update(self.modules)
        self._outer_attribute = getattr(pyspark, "pipelines", _MISSING)
        setattr(pyspark, "pipelines", self.modules["pyspark.pipelines"])  # noqa: B010 - PySpark's stubs do not name it
        sys.path[:0] = [str(folder) for folder in self.folders]
        sys.meta_path.append(self._finder)

    def _swap_out(self) -> None:
        import pyspark  # noqa: PLC0415 - as above

        sys.meta_path.remove(self._finder)
        for folder in self.folders:
            sys.path.remove(str(folder))
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if file and name != "__main__" and self._is_own(Path(file)):
                self._own[name] = sys.modules.pop(name)
        for name in self.modules:
            sys.modules.pop(name, None)
        sys.modules.update(self._outer)
        if self._outer_attribute is _MISSING:
            delattr(pyspark, "pipelines")
        else:
            setattr(pyspark, "pipelines", self._outer_attribute)  # noqa: B010 - as above

    def _is_own(self, file: Path) -> bool:
        return "site-packages" not in file.parts and any(file.is_relative_to(folder) for folder in self.folders)

    def placed(self, entry: str) -> Path | None:
        """Return where on this machine a folder is that the author has put on Python's path, or None."""
        try:
            return self.reads.places.local(entry) if stands_elsewhere(entry) else None
        except NoDataError:
            return None


@dataclass
class _PlacedModules(MetaPathFinder):
    """Finds modules in folders that the author has put on Python's path as they are called on Databricks."""

    of: Running

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: Any = None) -> ModuleSpec | None:
        folders = [place for entry in sys.path if (place := self.of.placed(entry)) is not None]
        if path is not None or not folders:
            return None
        new = [place for place in dict.fromkeys(folders) if place not in self.of.folders]
        self.of.folders = [*new, *self.of.folders]
        sys.path[:0] = map(str, new)
        return PathFinder.find_spec(fullname, list(map(str, folders)), target)


_running: ContextVar[Running | None] = ContextVar("running", default=None)


def running() -> Running | None:
    """Return the pipeline whose code runs in this thread, or None."""
    return _running.get()


@contextmanager
def outside_of_source() -> Iterator[None]:
    """Run the engine's own code inside the block, though the author's code has called it."""
    current = running()
    if current is None:
        yield
        return
    with current.suspended():
        yield


@contextmanager
def author_line() -> Iterator[None]:
    """Begin the message of an `AuthorError` inside the block with the author's line that led to it."""
    current = running()
    try:
        yield
    except AuthorError as error:
        if current is not None and not getattr(error, "has_line", False):
            location = location_of(current.files)
            if location is not None and not error.problem.startswith(location.file):
                error.put_at(location)
            error.has_line = True  # type: ignore[attr-defined]
        raise


def location_of(files: set[str], frame: FrameType | None = None) -> SourceLocation | None:
    """Return the innermost line of the author's files that is being run, or None."""
    frame = frame or sys._getframe(1)  # noqa: SLF001 - the line that has to be corrected
    while frame is not None:
        if frame.f_code.co_filename in files:
            return SourceLocation(frame.f_code.co_filename, frame.f_lineno)
        frame = frame.f_back
    return None


def line_of_error(error: BaseException, files: set[str]) -> SourceLocation | None:
    """Return the innermost line of the author's files that an exception passed, or None."""
    if isinstance(error, SyntaxError) and error.filename in files:
        return SourceLocation(str(error.filename), error.lineno or 1)
    found = [step for step in traceback.extract_tb(error.__traceback__) if step.filename in files]
    return SourceLocation(found[-1].filename, found[-1].lineno or 1) if found else None


def missing_file(error: BaseException, files: set[str]) -> NoDataError | None:
    """Return what to say of a file that the author's own Python opens and that is not there; None for other errors."""
    steps = traceback.extract_tb(error.__traceback__)
    own = [at for at, step in enumerate(steps) if step.filename in files]
    if not isinstance(error, FileNotFoundError) or not isinstance(error.filename, str) or not own:
        return None
    if any(Path(step.filename).is_relative_to(_ENGINE) for step in steps[own[-1] :]):
        return None
    where = SourceLocation(steps[own[-1]].filename, steps[own[-1]].lineno or 1)
    problem = f"{where}: Python finds no file at `{error.filename}`."
    return NoDataError(problem, "Put it there. `paths` in the settings is for what Spark and `dbutils` read.")


def _modules_in(folder: Path) -> list[str]:
    """Return the names of the modules that a folder has."""
    if not folder.is_dir():
        return []
    return [child.stem for child in folder.iterdir() if child.suffix == ".py" or any(child.glob("*.py"))]
