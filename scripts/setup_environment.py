"""Makes `.venv-NAME/` below the checkout from `requirements/NAME.txt`: parts whose packages keep to themselves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
LOG = CHECKOUT / ".cache" / "setup.log"


def main(name: str) -> int:
    """Set up what is missing and return the exit code; a failure is one sentence with its remedy."""
    environment = CHECKOUT / f".venv-{name}"
    python = environment / "bin" / "python"
    uv = str(Path(sys.executable).with_name("uv"))
    LOG.parent.mkdir(parents=True, exist_ok=True)
    print(f"setup: Python packages into {environment.name}/ ...", flush=True)
    try:
        if not python.exists():
            _run(uv, "venv", "--python", sys.executable, str(environment))
        requirements = str(CHECKOUT / "requirements" / f"{name}.txt")
        _run(uv, "pip", "sync", "--python", str(python), "--require-hashes", requirements)
    except subprocess.CalledProcessError as error:
        print(f"Setting up {environment.name}/ failed: `uv` ended with {error.returncode}. Most often there is no "
              f"network; see {LOG.relative_to(CHECKOUT)}, then try again.", file=sys.stderr)  # fmt: skip
        return 1
    (environment / ".ready").touch()
    return 0


def _run(*command: str) -> None:
    with LOG.open("ab") as log:
        # As in `setup.py`: else each start may compile all that it imports.
        environment = {**os.environ, "UV_COMPILE_BYTECODE": "1"}
        subprocess.run(command, check=True, stdout=log, stderr=log, cwd=CHECKOUT, env=environment)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
