"""Pipelines written for Databricks, in folders of their own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import TestLakehouse

SETTINGS: dict[str, Any] = {
    "name": "Shop",
    "schema": "shop",
    "catalog": "main",
    "sources": "source/**",
    "paths": {"/Volumes/main/shop/raw": "raw"},
}


@dataclass
class Project:
    """The folder of a pipeline's source, its files and its settings."""

    __test__ = False

    folder: Path
    lakehouse: TestLakehouse

    def write(self, name: str, text: str) -> None:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def settings(self, **changes: Any) -> TestLakehouse:
        """Return the lakehouse with these settings, which are written into the folder."""
        self.write("pipeline.yml", yaml.safe_dump({**SETTINGS, **changes}))
        return replace(self.lakehouse, settings_file=self.folder / "pipeline.yml")


@pytest.fixture
def project(lakehouse: TestLakehouse, tmp_path: Path) -> Project:
    return Project(tmp_path / "a project", lakehouse)
