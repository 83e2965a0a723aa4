"""The layer contract in pyproject.toml, tried on a copy of the tree: an upward import fails wherever it is written."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
LINT_IMPORTS = Path(sys.executable).parent / "lint-imports"

RUN_TIME = "from pipeline.update import retry\n"
LAZY = "def f() -> None:\n    from pipeline.update import retry\n"
TYPES_ONLY = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from pipeline.update import retry\n"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for package in ("pipeline", "alerts", "generators", "demo"):
        shutil.copytree(CHECKOUT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)
    return tmp_path


def checked(copy: Path) -> subprocess.CompletedProcess[str]:
    command = [str(LINT_IMPORTS), "--no-cache", "--no-logo"]
    return subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)


def test_layers_of_the_tree_as_it_is_are_kept(copy: Path) -> None:
    result = checked(copy)
    assert result.returncode == 0, result.stdout
    assert re.search(r"Contracts: \d+ kept, 0 broken", result.stdout)


@pytest.mark.parametrize("source", [RUN_TIME, LAZY, TYPES_ONLY], ids=["run_time", "lazy", "types_only"])
def test_layers_with_an_upward_import_in_a_room_are_broken(copy: Path, source: str) -> None:
    (copy / "pipeline" / "delta" / "upward.py").write_text(source)
    result = checked(copy)
    assert result.returncode == 1
    assert "pipeline.delta is not allowed to import pipeline.update" in result.stdout


@pytest.mark.parametrize(
    ("module", "source", "contract"),
    [
        ("pipeline/flows/upward.py", "import alerts.decide\n", "The engine knows neither"),
        ("pipeline/flows/upward.py", "import pipeline.smart_factory\n", "The engine knows neither"),
        ("pipeline/rework/upward.py", "from deltalake import DeltaTable\n", "Only the room `delta`"),
        ("alerts/upward.py", "from deltalake.exceptions import DeltaError\n", "Only the room `delta`"),
        ("generators/upward.py", "import demo.acts\n", "The programs around the engine"),
        ("pipeline/attic.py", "", "Imports point down"),
        ("pipeline/attic/__init__.py", "", "Imports point down"),
    ],
    ids=[
        "engine_imports_alerts",
        "engine_imports_demo_tables",
        "room_imports_deltalake",
        "program_imports_deltalake",
        "generators_import_demo",
        "loose_module",
        "unlisted_room",
    ],
)
def test_layers_with_a_module_outside_the_contract_are_broken(
    copy: Path, module: str, source: str, contract: str
) -> None:
    file = copy / module
    file.parent.mkdir(exist_ok=True)
    file.write_text(source)
    result = checked(copy)
    assert result.returncode == 1
    assert contract in result.stdout


def test_lint_target_checks_the_layers() -> None:
    recipe = re.search(r"^lint:.*\n((?:\t.*\n)+)", (CHECKOUT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert recipe is not None
    assert any(line.strip().startswith("@.venv/bin/lint-imports") for line in recipe[1].splitlines())
