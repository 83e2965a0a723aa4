"""Creates `.venv-NAME/` from `requirements/NAME.txt`, for parts whose packages conflict with the others."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from scripts.progress import Progress

CHECKOUT = Path(__file__).resolve().parent.parent
LOG = CHECKOUT / ".cache" / "setup.log"


def main(name: str) -> int:
    """Set up what is missing and return the exit code; a failure prints one sentence with its remedy."""
    environment = CHECKOUT / f".venv-{name}"
    python = environment / "bin" / "python"
    uv = str(Path(sys.executable).with_name("uv"))
    LOG.parent.mkdir(parents=True, exist_ok=True)
    requirements = CHECKOUT / "requirements" / f"{name}.txt"
    count = sum("==" in line for line in requirements.read_text("utf-8").splitlines())
    try:
        with Progress(f"setup: {count} Python packages into {environment.name}/", environment):
            if not python.exists():
                _run(uv, "venv", "--python", sys.executable, str(environment))
            _run(uv, "pip", "sync", "--python", str(python), "--require-hashes", str(requirements))
    except subprocess.CalledProcessError as error:
        print(f"Setting up {environment.name}/ failed: `uv` ended with {error.returncode}. Most often there is no "
              f"network; see {LOG.relative_to(CHECKOUT)}, then try again.", file=sys.stderr)  # fmt: skip
        return 1
    (environment / ".ready").touch()
    return 0


def _run(*command: str) -> None:
    with LOG.open("ab") as log:
        # As in `setup.py`: otherwise each start may compile all its imports.
        environment = {**os.environ, "UV_COMPILE_BYTECODE": "1"}
        subprocess.run(command, check=True, stdout=log, stderr=log, cwd=CHECKOUT, env=environment)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
