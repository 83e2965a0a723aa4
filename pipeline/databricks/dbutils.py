"""What a source may ask of `dbutils`: secrets, widgets, and what is in a folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Never

from pipeline.databricks.running import author_line
from pipeline.foundation.errors import AuthorError, NoDataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.databricks.places import Places


class FileInfo(NamedTuple):
    """A file or folder, as Databricks lists it."""

    path: str
    name: str
    size: int
    modificationTime: int  # noqa: N815 - Databricks' name


class Library:
    """The packages of the session, which are those that are installed here."""

    def restartPython(self) -> None:  # noqa: N802 - Databricks' name
        """Go on with the packages that there are."""


@dataclass(frozen=True)
class DbUtils:
    """Databricks' utilities, as far as they can be honoured.

    Attributes:
        secrets: Gives the values that the settings name.
        widgets: Gives parameters.
        fs: Lists folders.
        library: Starts nothing again: no package was installed.
    """

    secrets: Secrets
    widgets: Widgets
    fs: Files
    library: Library = field(default_factory=Library)

    def __getattr__(self, name: str) -> Never:
        if name.startswith("__"):
            raise AttributeError(name)
        with author_line():
            raise AuthorError(f"`dbutils.{name}` exists on Databricks alone.", "Take it out of the pipeline's source.")


@dataclass(frozen=True)
class Secrets:
    """The secrets of the settings, by `scope/key`."""

    values: Mapping[str, str]

    def get(self, scope: str, key: str) -> str:
        """Return a secret.

        Raises:
            AuthorError: The settings do not name it.
        """
        with author_line():
            try:
                return self.values[f"{scope}/{key}"]
            except KeyError:
                problem = f"The settings have no secret `{scope}/{key}`."
                remedy = f"Write `secrets: {{{scope}/{key}: ${{NAME}}}}`, and set that variable of the environment."
                raise AuthorError(problem, remedy) from None


@dataclass(frozen=True)
class Widgets:
    """A notebook's parameters: those of the settings, else their defaults."""

    configuration: Mapping[str, str]
    defaults: dict[str, str]

    def text(self, name: str, defaultValue: str = "", label: str = "") -> None:  # noqa: N803 - Databricks' name
        """Declare a parameter."""
        del label
        self.defaults[name] = defaultValue

    def dropdown(self, name: str, defaultValue: str, *_: Any) -> None:  # noqa: N803
        """Declare a parameter with choices."""
        self.defaults[name] = defaultValue

    combobox = multiselect = dropdown

    def get(self, name: str) -> str:
        """Return a parameter.

        Raises:
            AuthorError: It has no value.
        """
        if name in self.configuration:
            return self.configuration[name]
        with author_line():
            if name not in self.defaults:
                problem = f"The parameter `{name}` has no value."
                raise AuthorError(problem, f"Write `configuration: {{{name}: …}}` in the settings.")
        return self.defaults[name]

    def remove(self, name: str) -> None:
        """Forget a parameter's default."""
        self.defaults.pop(name, None)

    def removeAll(self) -> None:  # noqa: N802
        """Forget all defaults."""
        self.defaults.clear()


@dataclass(frozen=True)
class Files:
    """The folders that the settings name for paths."""

    places: Places

    def ls(self, path: str) -> list[FileInfo]:
        """Return what is in a folder.

        Raises:
            NoDataError: No folder stands for the path, or it is not there.
        """
        with author_line():
            folder = self.places.local(path)
            if not folder.exists():
                raise NoDataError(f"`{path}` stands at {folder}, and nothing is there.", "Correct `paths`.")
        found = sorted(folder.iterdir()) if folder.is_dir() else [folder]
        return [
            FileInfo(
                f"{path.rstrip('/')}/{one.name}{'/' * one.is_dir()}", one.name + "/" * one.is_dir(),
                0 if one.is_dir() else one.stat().st_size, int(one.stat().st_mtime * 1000),
            )
            for one in found
        ]  # fmt: skip

    def __getattr__(self, name: str) -> Never:
        if name.startswith("__"):
            raise AttributeError(name)
        with author_line():
            raise AuthorError(f"`dbutils.fs.{name}` cannot run here.", "List folders with `dbutils.fs.ls`.")
