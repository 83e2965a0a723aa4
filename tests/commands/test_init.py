"""The pipeline that `init` writes: it loads, its suite fits, and its own test passes."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pipeline.declare.load import load_declarations
from pipeline.quality.suites import Suites
from pipeline.settings import load_settings
from tests.commands.cli import pipeline

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_init_writes_a_pipeline_that_loads(tmp_path: Path) -> None:
    folder = tmp_path / "My Shop"
    assert pipeline("init", folder) == 0
    settings = load_settings(folder / "pipeline.yml")
    assert settings.target_schema == "my_shop"
    names = list(load_declarations(settings.source).datasets)
    assert names == ["bronze_orders", "orders", "rejected_orders", "spent_by_customer"]
    assert Suites(settings.expectations).names() == ["orders"]
    ast.parse((folder / "tests" / "test_tables.py").read_text())


def test_init_leaves_files_alone_that_are_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tables.py").write_text("mine = True\n")
    assert pipeline("init", tmp_path) == 2
    assert "has tables.py already" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["tables.py"]
