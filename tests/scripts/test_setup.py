"""Set-up on machines that lack something: one sentence with its remedy."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import cache_from_source, find_spec
from pathlib import Path

import pytest

from pipeline.home.places import CHECKOUT
from scripts.machine import remedy

STARTED_WITH = ("deltalake", "great_expectations", "pandas", "pyspark")
JAVA_REMEDY = f"{remedy('java')}\n"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    clone = tmp_path / "a clone"
    (clone / "scripts").mkdir(parents=True)
    for name in ("setup.py", "machine.py", "progress.py"):
        shutil.copy(CHECKOUT / "scripts" / name, clone / "scripts")
    shutil.copytree(CHECKOUT / "requirements", clone / "requirements")
    return clone


def set_up(clone: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "JAVA_"))}
    command = [sys.executable, "-m", "scripts.setup"]
    return subprocess.run(
        command, cwd=clone, env=kept | environment, capture_output=True, text=True, check=False, timeout=120
    )


def java(folder: Path, version: str) -> str:
    (folder / "bin").mkdir(parents=True)
    java = folder / "bin" / "java"
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2026-01-01' >&2\n", encoding="utf-8")
    java.chmod(0o755)
    return str(folder)


def test_set_up_without_java_says_what_to_install(clone: Path, tmp_path: Path) -> None:
    done = set_up(clone, PATH=str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"There is no Java on this machine. {JAVA_REMEDY}"


def test_set_up_with_a_wrong_java_home_names_it(clone: Path, tmp_path: Path) -> None:
    done = set_up(clone, JAVA_HOME=str(tmp_path / "gone"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"There is no Java at {tmp_path / 'gone' / 'bin' / 'java'}. {JAVA_REMEDY}"


@pytest.mark.parametrize(("version", "major"), [("1.8.0_462", "1"), ("11.0.2", "11"), ("25", "25")])
def test_set_up_with_another_java_names_both(clone: Path, tmp_path: Path, version: str, major: str) -> None:
    home = java(tmp_path / "java", version)
    done = set_up(clone, JAVA_HOME=home)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"The Java at {home}/bin/java is {major}; expected 17 or 21. {JAVA_REMEDY}"


def test_set_up_without_a_network_says_so_and_where_to_look(clone: Path, tmp_path: Path) -> None:
    home = java(tmp_path / "java", "17.0.15")
    closed = "http://127.0.0.1:9"
    done = set_up(clone, JAVA_HOME=home, PIP_INDEX_URL=closed, PIP_RETRIES="0", PIP_NO_CACHE_DIR="1", PIP_FIND_LINKS="")
    assert done.returncode == 1
    packages = re.fullmatch(r"setup: ([1-9]\d* Python packages into \.venv/) \.\.\.\n", done.stdout)
    assert packages is not None
    assert done.stderr == (
        f"Setting up {packages[1]} failed: `python` ended with 1. Most often there is no network; "
        "see .cache/setup.log, then run `make setup` again.\n"
    )
    assert "No matching distribution found" in (clone / ".cache" / "setup.log").read_text(encoding="utf-8")


def test_packages_are_installed_with_their_bytecode() -> None:
    compiled = {name: Path(cache_from_source(str(find_spec(name).origin))).exists() for name in STARTED_WITH}  # type: ignore[union-attr]
    assert compiled == dict.fromkeys(STARTED_WITH, True)
