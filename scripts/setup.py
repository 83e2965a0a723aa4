"""Creates `.venv/` and `.jars/` in the checkout; needs only Python, Java and a network.

`--runtime` installs only what production needs: no tools for tests or for installing more.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import TYPE_CHECKING

from scripts import machine
from scripts.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

CHECKOUT = Path(__file__).resolve().parent.parent
ENVIRONMENT = CHECKOUT / ".venv"
JARS = CHECKOUT / ".jars"
LOG = CHECKOUT / ".cache" / "setup.log"
# The other jars that Ivy downloads are part of PySpark already.
NEEDED_JARS = ("delta-spark", "delta-storage", "delta-kernel", "unitycatalog", "spark-avro")
# Delta, and what reads Avro files.
PACKAGES = "io.delta:delta-spark_4.2_2.13:4.4.0,org.apache.spark:spark-avro_2.13:4.2.0"


def main(*, runtime: bool) -> int:
    """Set up what is missing and return the exit code; a failure prints one sentence with its remedy."""
    for finding in (machine.python(), machine.java()):
        if not finding.is_enough:
            print(finding.sentence, file=sys.stderr)
            return 1
    LOG.parent.mkdir(parents=True, exist_ok=True)
    for what, folder, step in _steps(runtime=runtime):
        try:
            with Progress(f"setup: {what}", folder):
                step()
        except subprocess.CalledProcessError as error:
            return _fail(f"Setting up {what} failed: `{Path(error.cmd[0]).name}` ended with {error.returncode}.",
                         f"Most often there is no network; see {LOG.relative_to(CHECKOUT)}, then run "
                         "`make setup` again.")  # fmt: skip
    print("setup: ready. Next: make demo", flush=True)
    return 0


def _install_packages() -> None:
    _install("bootstrap.txt", "dev.txt")


def _install_runtime() -> None:
    _install("spark.txt")
    _run(str(ENVIRONMENT / "bin" / "uv"), "pip", "uninstall", "--python", str(ENVIRONMENT / "bin" / "python"),
         "uv", "pip", "setuptools")  # fmt: skip


def _install(*pins: str) -> None:
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        venv.create(ENVIRONMENT, with_pip=True)
    requirements = CHECKOUT / "requirements"
    _run(
        str(python),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--require-hashes",
        "-r",
        str(requirements / "bootstrap.txt"),
    )
    _run(str(ENVIRONMENT / "bin" / "uv"), "pip", "sync", "--python", str(python), "--require-hashes",
         *(str(requirements / name) for name in pins))  # fmt: skip


def _resolve_jars() -> None:
    if all(any(JARS.glob(f"*_{name}*.jar")) for name in NEEDED_JARS):
        return
    ivy = CHECKOUT / ".cache" / "ivy"
    nothing = CHECKOUT / ".cache" / "nothing.py"
    nothing.write_text("", encoding="utf-8")
    submit = next((ENVIRONMENT / "lib").glob("python3*/site-packages/pyspark/bin/spark-submit"))
    _run(str(submit), "--packages", PACKAGES, "--conf", f"spark.jars.ivy={ivy}", str(nothing))
    scratch = CHECKOUT / ".cache" / "jars"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    for jar in (ivy / "jars").glob("*.jar"):
        if any(f"_{name}" in jar.name for name in NEEDED_JARS):
            shutil.copy2(jar, scratch)
    resolved = {jar.name for jar in scratch.iterdir()}
    JARS.mkdir(exist_ok=True)
    # A session that starts meanwhile finds each jar.
    for name in resolved:
        (scratch / name).replace(JARS / name)
    for jar in JARS.glob("*.jar"):
        if jar.name not in resolved:
            jar.unlink()


def _compile_suites() -> None:
    _run(str(ENVIRONMENT / "bin" / "python"), "-m", "pipeline", "dry-run")


def _packages(*pins: str) -> str:
    lines = [line for name in pins for line in (CHECKOUT / "requirements" / name).read_text("utf-8").splitlines()]
    return f"{sum('==' in line for line in lines)} Python packages into .venv/"


# The pipeline itself compiles the suites; an image gets it after its packages.
_JARS_STEP = ("Delta's jars into .jars/", JARS, _resolve_jars)


def _steps(*, runtime: bool) -> list[tuple[str, Path | None, Callable[[], None]]]:
    if runtime:
        return [(_packages("spark.txt"), ENVIRONMENT, _install_runtime), _JARS_STEP]
    packages = _packages("bootstrap.txt", "dev.txt")
    return [
        (packages, ENVIRONMENT, _install_packages), _JARS_STEP, ("expectation suites", None, _compile_suites),
    ]  # fmt: skip


def _run(*command: str) -> None:
    environment = {key: value for key, value in os.environ.items() if key not in {"SPARK_HOME", "PYTHONPATH"}}
    environment["PATH"] = f"{ENVIRONMENT / 'bin'}{os.pathsep}{environment['PATH']}"
    environment["PYSPARK_PYTHON"] = str(ENVIRONMENT / "bin" / "python")
    # Where Python cannot store bytecode (PYTHONDONTWRITEBYTECODE), each start would compile all its imports.
    environment["UV_COMPILE_BYTECODE"] = "1"
    with LOG.open("ab") as log:
        subprocess.run(command, check=True, stdout=log, stderr=log, cwd=CHECKOUT, env=environment)


def _fail(problem: str, remedy: str) -> int:
    print(f"{problem} {remedy}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(runtime="--runtime" in sys.argv))
