"""Makes `.venv-superset/` below the checkout: Superset pins older packages than the pipeline's environment has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
ENVIRONMENT = CHECKOUT / ".venv-superset"
REQUIREMENTS = CHECKOUT / "requirements" / "superset.txt"
LOG = CHECKOUT / ".cache" / "setup.log"


def main() -> int:
    """Set up what is missing and return the exit code; a failure is one sentence with its remedy."""
    uv = str(Path(sys.executable).with_name("uv"))
    LOG.parent.mkdir(parents=True, exist_ok=True)
    print("setup: Superset into .venv-superset/ ...", flush=True)
    try:
        if not (ENVIRONMENT / "bin" / "python").exists():
            _run(uv, "venv", "--python", sys.executable, str(ENVIRONMENT))
        python = str(ENVIRONMENT / "bin" / "python")
        _run(uv, "pip", "sync", "--python", python, "--require-hashes", str(REQUIREMENTS))
    except subprocess.CalledProcessError as error:
        print(f"Setting up Superset failed: `uv` ended with {error.returncode}. Most often there is no network; see "
              f"{LOG.relative_to(CHECKOUT)}, then run `make superset` again.", file=sys.stderr)  # fmt: skip
        return 1
    return 0


def _run(*command: str) -> None:
    with LOG.open("ab") as log:
        subprocess.run(command, check=True, stdout=log, stderr=log, cwd=CHECKOUT)


if __name__ == "__main__":
    sys.exit(main())
