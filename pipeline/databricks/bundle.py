"""What a Databricks asset bundle says of its pipelines."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BUNDLE = "databricks.yml"
_REFERENCE = re.compile(r"\$\{([\w.-]+)\}")
_MOST_DEPTH = 10


@dataclass(frozen=True)
class BundledPipeline:
    """A pipeline of a bundle.

    Attributes:
        key: Its key below `resources.pipelines`.
        sources: Patterns of its files, relative to the bundle's folder.
        unknown: References of the bundle whose values are not in it.
    """

    key: str
    name: str
    catalog: str
    schema: str
    sources: tuple[str, ...]
    configuration: Mapping[str, str]
    is_continuous: bool
    unknown: tuple[str, ...] = field(default=())


def bundled_pipelines(folder: Path) -> list[BundledPipeline]:
    """Return the pipelines of the bundle in a folder, or none where there is no bundle.

    Raises:
        AuthorError: A file of the bundle is not YAML.
    """
    bundle = folder / BUNDLE
    if not bundle.is_file():
        return []
    content = _loaded(bundle)
    files = [bundle]
    for pattern in content.get("include") or []:
        files += sorted(folder.glob(pattern))
    values = _values(content)
    found = []
    for file in dict.fromkeys(files):
        resources = (_loaded(file).get("resources") or {}).get("pipelines") or {}
        found += [_pipeline(key, one or {}, values, file.parent, folder) for key, one in resources.items()]
    return found


def _loaded(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise AuthorError(f"{file} is not YAML: {error}.", "Correct it, or name the files yourself.") from error
    return content if isinstance(content, dict) else {}


def _values(content: dict[str, Any]) -> dict[str, str]:
    """Return what the bundle's references stand for: its variables, and its default target."""
    targets: dict[str, Any] = content.get("targets") or {}
    default = next((name for name, one in targets.items() if (one or {}).get("default")), next(iter(targets), "dev"))
    values = {"bundle.name": (content.get("bundle") or {}).get("name", ""), "bundle.target": default}
    declared = {name: (one or {}).get("default") for name, one in (content.get("variables") or {}).items()}
    chosen = (targets.get(default) or {}).get("variables") or {}
    for name, value in {**declared, **chosen}.items():
        if isinstance(value, str | int | float):
            values[f"var.{name}"] = str(value)
    return {name: str(value) for name, value in values.items()}


def _pipeline(
    key: str, declared: dict[str, Any], values: Mapping[str, str], beside: Path, folder: Path
) -> BundledPipeline:
    unknown: list[str] = []

    def text(value: Any, otherwise: str = "") -> str:
        filled = str(value if value is not None else otherwise)
        for _ in range(_MOST_DEPTH):
            filled, before = _REFERENCE.sub(lambda match: values.get(match[1], match[0]), filled), filled
            if filled == before:
                break
        unknown.extend(match[0] for match in _REFERENCE.finditer(filled))
        return filled

    sources = [pattern for one in declared.get("libraries") or [] for pattern in _patterns(one or {})]
    return BundledPipeline(
        key=key,
        name=text(declared.get("name"), key),
        catalog=text(declared.get("catalog"), "main"),
        schema=text(declared.get("schema") or declared.get("target"), "default"),
        sources=tuple(_relative(text(source), beside, folder) for source in sources),
        configuration={name: text(value) for name, value in (declared.get("configuration") or {}).items()},
        is_continuous=declared.get("continuous") is True,
        unknown=tuple(dict.fromkeys(unknown)),
    )


def _patterns(library: dict[str, Any]) -> Iterator[str]:
    for kind, inner in (("notebook", "path"), ("file", "path"), ("glob", "include")):
        found = (library.get(kind) or {}).get(inner)
        if found:
            yield str(found)


def _relative(pattern: str, beside: Path, folder: Path) -> str:
    """Return a pattern relative to the bundle's folder; notebooks may be named without their ending."""
    above = 0
    while pattern.startswith(("./", "../")):
        above += pattern.startswith("../")
        pattern = pattern.split("/", 1)[1]
    start = beside
    for _ in range(above):
        start = start.parent
    named = start / pattern
    if not named.suffix and not named.exists() and "*" not in pattern:
        endings = (named.with_suffix(ending) for ending in (".py", ".ipynb", ".sql"))
        named = next(filter(Path.is_file, endings), named)
    try:
        return str(named.relative_to(folder))
    except ValueError:
        return str(named)
