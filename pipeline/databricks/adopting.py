"""Writes the settings of a pipeline that exists on Databricks, from its bundle or from its files alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from pipeline.databricks.bundle import BundledPipeline, bundled_pipelines
from pipeline.foundation.durable_file import replace_file
from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SETTINGS = "pipeline.yml"
_ENDINGS = {".py", ".sql", ".ipynb"}
_HIDDEN = {"tests", "test", "venv", "node_modules", "__pycache__"}
_DECLARES = re.compile(
    r"^\W*(import dlt\b|from dlt import|from pyspark import pipelines|import pyspark\.pipelines)"
    r"|\bCREATE\s+(OR\s+(REFRESH|REPLACE)\s+)?(TEMPORARY\s+|PRIVATE\s+)?"
    r"(STREAMING|LIVE|MATERIALIZED|INCREMENTAL)\b|\b(APPLY CHANGES|AUTO CDC)\b",
    re.MULTILINE,
)
_PATH = re.compile(r"""["'`]((?:dbfs:|/dbfs)?/(?:Volumes|databricks-datasets|mnt|FileStore)/[^"'`{}$*?\s\\]+
                       |(?:s3|s3a|abfss|wasbs|gs|dbfs)://[^"'`{}$*?\s\\]+)""", re.VERBOSE)  # fmt: skip
_SECRET = re.compile(r"""secrets\.get\(\s*(?:scope\s*=\s*)?["']([^"']+)["']\s*,\s*(?:key\s*=\s*)?["']([^"']+)["']""")
_HEAD = "# How this pipeline runs here; `python -m pipeline dry-run` says what is missing.\n"
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class Adopted:
    """A settings file that was written.

    Attributes:
        file: The file.
        to_do: What a person has to fill in.
    """

    file: Path
    to_do: list[str]


def adopt(folder: Path) -> list[Adopted]:
    """Write the settings of each pipeline in a folder, and return what was written.

    Raises:
        AuthorError: There is no pipeline, or a settings file is there already.
    """
    if folder.is_file():
        folder = folder.parent
    if not folder.is_dir():
        raise AuthorError(f"{folder} is not a folder.", "Give the folder of a pipeline's source, or of its bundle.")
    pipelines = [one for one in bundled_pipelines(folder) if one.sources] or [_of_files(folder)]
    names = [SETTINGS if len(pipelines) == 1 else f"{one.key}.yml" for one in pipelines]
    for name in names:
        if (folder / name).exists():
            raise AuthorError(f"{folder / name} is there already.", "Move it away to have it written anew.")
    return [_write(folder / name, one) for name, one in zip(names, pipelines, strict=True)]


def declaring_files(folder: Path) -> list[Path]:
    """Return the files below a folder that declare tables, views or flows."""
    found = []
    for file in sorted(folder.rglob("*")):
        parts = file.relative_to(folder).parts
        is_hidden = any(part.startswith(".") or part in _HIDDEN for part in parts)
        if file.suffix in _ENDINGS and not is_hidden and file.is_file() and _DECLARES.search(_text_of(file)):
            found.append(file)
    return found


def _of_files(folder: Path) -> BundledPipeline:
    files = declaring_files(folder)
    if not files:
        problem = f"No file in {folder} declares a table: none imports `dlt` or has a statement of a pipeline."
        raise AuthorError(problem, "Give the folder of a pipeline's source.")
    name = folder.resolve().name
    sources = tuple(str(file.relative_to(folder)) for file in files)
    return BundledPipeline("pipeline", name, "main", _schema_name(name), sources, {}, is_continuous=False)


def _write(file: Path, found: BundledPipeline) -> Adopted:
    folder = file.parent
    texts = [_text_of(source) for pattern in found.sources for source in _files_of(folder, pattern)]
    paths = {path: f"landing/{_schema_name(path.rstrip('/').rsplit('/', 1)[-1])}" for path in _paths_in(texts)}
    named = [name for text in texts for name in _SECRET.findall(text)]
    secrets = {f"{scope}/{key}": f"${{{_variable(scope, key)}}}" for scope, key in named}
    settings: dict[str, Any] = {
        "name": found.name,
        "schema": _schema_name(found.schema),
        "catalog": found.catalog,
        "sources": list(found.sources),
    }
    settings |= {"mode": "continuous"} if found.is_continuous else {}
    settings |= {"configuration": dict(found.configuration)} if found.configuration else {}
    settings |= {"paths": paths} if paths else {}
    settings |= {"secrets": secrets} if secrets else {}
    replace_file(file, _HEAD + yaml.safe_dump(settings, sort_keys=False, allow_unicode=True, width=120))
    to_do = [f"`{reference}` has no value in the bundle: write one." for reference in found.unknown]
    to_do += [f"Put files of `{path}` into {folder / place}." for path, place in paths.items()]
    to_do += [f"Set the environment variable {value[2:-1]}." for value in secrets.values()]
    return Adopted(file, to_do)


def _files_of(folder: Path, pattern: str) -> Iterable[Path]:
    found = [*folder.glob(pattern), *(folder.glob(f"{pattern}/*") if pattern.endswith("**") else [])]
    return [file for file in found if file.is_file() and file.suffix in _ENDINGS]


def _paths_in(texts: Iterable[str]) -> list[str]:
    """Return the beginnings of paths that texts name, each once, without those below another one."""
    named = sorted({path.rstrip("/") for text in texts for path in _PATH.findall(text)})
    return [path for path in named if not any(path.startswith(f"{other}/") for other in named)]


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _schema_name(name: str) -> str:
    plain = _NOT_IN_NAMES.sub("_", name.lower()).strip("_")
    return plain if plain[:1].isalpha() else f"p_{plain}".rstrip("_")


def _variable(scope: str, key: str) -> str:
    return _NOT_IN_NAMES.sub("_", f"{scope}_{key}".lower()).strip("_").upper()
