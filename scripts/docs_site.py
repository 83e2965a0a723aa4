"""`make docs`: builds the documentation into `site/VERSION/`, beside the versions that are there already."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
SITE = CHECKOUT / "site"
_MERMAID = "mermaid@11.17.2"
_MERMAID_FOLDER = CHECKOUT / ".cache" / "mermaid"
_REDIRECT = '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={0}/index.html">'


def main() -> int:
    """Build the site and return the exit code; a link that leads nowhere fails the build."""
    version = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    _fetch_mermaid()
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(SITE / version)]
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith(("WARNING", "ERROR"))]
        print(*said, sep="\n", file=sys.stderr)
        print("The documentation was not built. Correct what is named above, then run `make docs`.", file=sys.stderr)
        return 1
    list_versions(SITE, version)
    print(f"Built: {SITE / version / 'index.html'}")
    return 0


def list_versions(site: Path, newest: str) -> None:
    """Write the list that the site's choice of versions reads, newest first, and lead the root to the newest."""
    others = sorted({folder.name for folder in site.iterdir() if folder.is_dir()} - {newest}, reverse=True)
    aliases = {newest: ["latest"]}
    versions = [{"version": name, "title": name, "aliases": aliases.get(name, [])} for name in (newest, *others)]
    (site / "versions.json").write_text(json.dumps(versions, indent=2) + "\n", encoding="utf-8")
    (site / "index.html").write_text(_REDIRECT.format(newest) + "\n", encoding="utf-8")


def _fetch_mermaid() -> None:
    """Bring the library that draws diagrams from npm, once; without npm the diagrams are shown as their text."""
    library = _MERMAID_FOLDER / "package" / "dist" / "mermaid.min.js"
    if library.exists():
        return
    npm = shutil.which("npm")
    if npm is None:
        print("There is no npm, so diagrams are shown as their text.")
        return
    _MERMAID_FOLDER.mkdir(parents=True, exist_ok=True)
    command = [npm, "pack", "--silent", _MERMAID]
    if subprocess.run(command, cwd=_MERMAID_FOLDER, stdout=subprocess.DEVNULL, check=False).returncode:
        print("npm did not bring mermaid, so diagrams are shown as their text.")
        return
    (archive,) = _MERMAID_FOLDER.glob("mermaid-*.tgz")
    with tarfile.open(archive) as package:
        for name in ("package/dist/mermaid.min.js", "package/LICENSE"):
            package.extract(name, _MERMAID_FOLDER, filter="data")
    archive.unlink()


if __name__ == "__main__":
    sys.exit(main())
