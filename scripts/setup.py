"""Makes `.venv/` and `.jars/` below the checkout; needs nothing but Python, Java and a network.

With `--runtime` only what runs in production comes: no tools for tests, none to install more.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
ENVIRONMENT = CHECKOUT / ".venv"
JARS = CHECKOUT / ".jars"
LOG = CHECKOUT / ".cache" / "setup.log"
OLDEST_PYTHON = (3, 11)
JAVA_VERSIONS = (17, 21)
# Of what Ivy brings, Spark's own package has the rest already.
NEEDED_JARS = ("delta-spark", "delta-storage", "delta-kernel", "unitycatalog")
DELTA = "io.delta:delta-spark_4.2_2.13:4.4.0"


def main(*, runtime: bool) -> int:
    """Set up what is missing and return the exit code; a failure is one sentence with its remedy."""
    if sys.version_info < OLDEST_PYTHON:
        return _fail(f"Python {sys.version.split()[0]} is too old; 3.11 or newer is needed.",
                     "Install one and run `make setup PYTHON=python3.11`.")  # fmt: skip
    problem = _java_problem()
    if problem is not None:
        return _fail(problem, "Install a Java 17 or 21 (Debian: apt-get install openjdk-17-jre-headless) or set "
                     "JAVA_HOME to one.")  # fmt: skip
    if importlib.util.find_spec("ensurepip") is None:
        return _fail(f"The Python at {sys.executable} cannot make environments: it has no ensurepip.",
                     "Install what it lacks (Debian: apt-get install python3-venv).")  # fmt: skip
    LOG.parent.mkdir(parents=True, exist_ok=True)
    for what, step in _RUNTIME_STEPS if runtime else _STEPS:
        print(f"setup: {what} ...", flush=True)
        try:
            step()
        except subprocess.CalledProcessError as error:
            return _fail(f"Setting up {what} failed: `{Path(error.cmd[0]).name}` ended with {error.returncode}.",
                         f"Most often there is no network; see {LOG.relative_to(CHECKOUT)}, then run "
                         "`make setup` again.")  # fmt: skip
    print("setup: ready. Next: make demo", flush=True)
    return 0


def _java_problem() -> str | None:
    """Return what is wrong with the Java that Spark would start, or None."""
    home = os.environ.get("JAVA_HOME")
    sought = str(Path(home) / "bin" / "java") if home else "java"
    java = shutil.which(sought)
    if java is None:
        return f"There is no Java at {sought}." if home else "There is no Java on this machine."
    shown = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', shown)
    if version is None or int(version[1]) not in JAVA_VERSIONS:
        return f"The Java at {java} is {version[1] if version else 'of no known version'}; expected 17 or 21."
    return None


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
    if len(list(JARS.glob("*.jar"))) >= len(NEEDED_JARS):
        return
    ivy = CHECKOUT / ".cache" / "ivy"
    nothing = CHECKOUT / ".cache" / "nothing.py"
    nothing.write_text("", encoding="utf-8")
    submit = next((ENVIRONMENT / "lib").glob("python3*/site-packages/pyspark/bin/spark-submit"))
    _run(str(submit), "--packages", DELTA, "--conf", f"spark.jars.ivy={ivy}", str(nothing))
    scratch = CHECKOUT / ".cache" / "jars"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    for jar in (ivy / "jars").glob("*.jar"):
        if any(f"_{name}" in jar.name for name in NEEDED_JARS):
            shutil.copy2(jar, scratch)
    shutil.rmtree(JARS, ignore_errors=True)
    scratch.rename(JARS)


def _compile_suites() -> None:
    _run(str(ENVIRONMENT / "bin" / "python"), "-m", "pipeline", "dry-run")


# Suites are compiled by the pipeline itself, which an image takes in later than its packages.
_RUNTIME_STEPS = (("Python packages into .venv/", _install_runtime), ("Delta's jars into .jars/", _resolve_jars))
_STEPS = (
    ("Python packages into .venv/", _install_packages),
    ("Delta's jars into .jars/", _resolve_jars),
    ("expectation suites", _compile_suites),
)


def _run(*command: str) -> None:
    environment = {key: value for key, value in os.environ.items() if key not in {"SPARK_HOME", "PYTHONPATH"}}
    environment["PATH"] = f"{ENVIRONMENT / 'bin'}{os.pathsep}{environment['PATH']}"
    environment["PYSPARK_PYTHON"] = str(ENVIRONMENT / "bin" / "python")
    # Where Python may not keep what it compiles (PYTHONDONTWRITEBYTECODE), each start would compile all it imports.
    environment["UV_COMPILE_BYTECODE"] = "1"
    with LOG.open("ab") as log:
        subprocess.run(command, check=True, stdout=log, stderr=log, cwd=CHECKOUT, env=environment)


def _fail(problem: str, remedy: str) -> int:
    print(f"{problem} {remedy}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(runtime="--runtime" in sys.argv))
