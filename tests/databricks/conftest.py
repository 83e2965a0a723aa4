"""Pipelines written for Databricks, in folders of their own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from pipeline.flows.open import open_lakehouse
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.flows.open import Lakehouse
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

    def opened(self, text: str, *, name: str = "a.py", needs_data: bool = True, **settings: Any) -> Lakehouse:
        """Return the pipeline of a source of one file, opened and closed again."""
        self.write(f"source/{name}", text)
        shop = self.settings(**settings)
        found = open_lakehouse(
            shop.spark, shop.home, load_settings(shop.settings_file), shop.clock, needs_data=needs_data
        )
        found.close()
        return found


@pytest.fixture
def project(lakehouse: TestLakehouse, tmp_path: Path) -> Project:
    return Project(tmp_path / "a project", lakehouse)
