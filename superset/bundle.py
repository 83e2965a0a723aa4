"""The dashboards as files: reads `assets/` and recognises changed objects."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ASSETS = Path(__file__).resolve().parent / "assets"
# Objects come after the objects that they refer to.
KINDS = ("databases", "queries", "datasets", "charts", "dashboards")


@dataclass(frozen=True)
class Asset:
    """One file of the bundle.

    Attributes:
        kind: The folder: `charts`, `dashboards`, ...
        path: Counts from the bundle.
        config: What the file says.
    """

    kind: str
    path: str
    config: dict[str, Any]

    @property
    def uuid(self) -> str:
        """The object's identity, which does not depend on its name."""
        return str(self.config["uuid"])

    @property
    def mark(self) -> str:
        """A hash of the file's content."""
        return hashlib.sha256(json.dumps(self.config, sort_keys=True, default=str).encode()).hexdigest()


def load_assets(folder: Path = ASSETS) -> list[Asset]:
    """Return the objects of a bundle, each after those that it refers to.

    Raises:
        ValueError: A file is not a YAML mapping with a uuid, or two files have the same uuid.
    """
    assets = []
    for kind in KINDS:
        for file in sorted((folder / kind).rglob("*.yaml")):
            path = file.relative_to(folder).as_posix()
            try:
                config = yaml.safe_load(file.read_text(encoding="utf-8"))
            except yaml.YAMLError as error:
                raise ValueError(f"{path} is not YAML: {error}") from error
            if not isinstance(config, dict) or "uuid" not in config:
                raise ValueError(f"{path} has no uuid")
            assets.append(Asset(kind, path, config))
    seen: dict[str, str] = {}
    for asset in assets:
        if asset.uuid in seen:
            raise ValueError(f"{asset.path} has the uuid of {seen[asset.uuid]}")
        seen[asset.uuid] = asset.path
    return assets
