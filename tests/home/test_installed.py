"""The project as a wheel, installed without its checkout."""

from __future__ import annotations

import json
import os
import site
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from pipeline.home.format import FORMAT
from pipeline.home.places import CHECKOUT, default_home, support_folder
from pipeline.spark.session import JARS_VARIABLE, JAVA_VERSIONS

ORDERS = """
from pyspark.sql import DataFrame
from pipeline import materialized_view, read, read_files, table


@table
def orders() -> DataFrame:
    return read_files("orders", schema_hints="customer STRING, amount DOUBLE")


@materialized_view
def totals() -> DataFrame:
    return read("orders").groupBy("customer").sum("amount").toDF("customer", "amount")
"""
SETTINGS = "name: Orders\nschema: orders\nsource: orders.py\nexpectations: suites\n"


def test_dependencies_of_the_package_are_those_that_setup_installs() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (CHECKOUT / "requirements" / "spark.in").read_text(encoding="utf-8").splitlines()
    assert project["dependencies"] == [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def test_table_of_versions_names_what_setup_installs_and_what_the_code_accepts() -> None:
    section = (CHECKOUT / "docs" / "operations.md").read_text(encoding="utf-8").split("## Versions\n")[1]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    supported = {row[0]: row[1:] for row in rows[2:8]}
    pinned = dict(
        line.split(" ")[0].split("==")
        for line in (CHECKOUT / "requirements" / "spark.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line
    )
    assert supported["Python"][0] == "3.11 or newer"
    assert supported["Java"][0] == " or ".join(map(str, sorted(JAVA_VERSIONS)))
    assert supported["Spark"] == [pinned["pyspark"]] * 2
    assert supported["Delta Lake for Spark"] == [pinned["delta-spark"]] * 2
    assert supported["deltalake"] == ["1.6 or newer, below 2", pinned["deltalake"]]
    assert supported["a home"][0] == "formats " + " and ".join(str(number + 1) for number in range(FORMAT))


def test_folders_of_a_checkout_lie_in_it_and_those_of_an_installation_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    assert (default_home(), support_folder()) == (CHECKOUT / "lakehouse", CHECKOUT)
    assert default_home(installed=True) == tmp_path / "lakehouse"
    assert support_folder(installed=True) == tmp_path / "caches" / "lakehouse"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert support_folder(installed=True) == Path.home() / ".cache" / "lakehouse"


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "SMART_FACTORY"))}
    ended = subprocess.run(
        [*map(str, command)], cwd=cwd, env=clean | environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.mark.slow
def test_wheel_has_every_data_file_and_runs_a_pipeline_outside_the_checkout(tmp_path: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    run(uv, "build", "--wheel", "--offline", "--out-dir", tmp_path / "dist", cwd=CHECKOUT)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    listed = run("git", "ls-files", "pipeline", "alerts", "generators", "expectations", cwd=CHECKOUT).splitlines()
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if not name.endswith("/") and ".dist-info" not in name}
    assert packed == set(listed)

    python = tmp_path / "environment" / "bin" / "python"
    run(uv, "venv", "--offline", "--python", sys.executable, tmp_path / "environment", cwd=tmp_path)
    run(uv, "pip", "install", "--offline", "--no-deps", "--python", python, wheel, cwd=tmp_path)
    (packages,) = (tmp_path / "environment" / "lib").glob("python*/site-packages")
    # The dependencies are those of the environment that runs the tests.
    (packages / "dependencies.pth").write_text("\n".join(site.getsitepackages()), encoding="utf-8")

    project = tmp_path / "a project"
    project.mkdir()
    (project / "orders.py").write_text(ORDERS, encoding="utf-8")
    (project / "orders.yml").write_text(SETTINGS, encoding="utf-8")
    (project / "suites").mkdir()
    places = {"XDG_CACHE_HOME": str(tmp_path / "caches"), JARS_VARIABLE: str(CHECKOUT / ".jars")}
    module = run(python, "-c", "import pipeline; print(pipeline.__file__)", cwd=project).strip()
    assert Path(module).is_relative_to(packages)
    shown = run(python, "-m", "pipeline", "dry-run", "--pipeline", "orders.yml", "--json", cwd=project, **places)
    assert {"orders", "totals"} <= set(json.dumps(json.loads(shown)).replace('"', " ").split())
    shipped = run(python, "-m", "pipeline", "dry-run", "--json", cwd=project, **places)
    assert "silver_cleaned_sensors" in shipped
    assert list((tmp_path / "caches" / "lakehouse" / ".cache" / "expectations").iterdir())
    assert not list(packages.glob("lakehouse")) + list(packages.glob(".cache"))
