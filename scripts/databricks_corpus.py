"""Dry-runs the Databricks pipelines in a folder of repositories, and writes what was taken and what was refused.

Usage: python scripts/databricks_corpus.py CLONES LIST RESULT

CLONES has the repositories, as `owner+name` or `owner/name`, each with its Git directory. LIST names repositories and
commits, one pair a line. Nothing of a repository is kept.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from pipeline.databricks.adopting import declaring_files
from pipeline.flows.open import open_lakehouse
from pipeline.foundation.clock import SystemClock
from pipeline.foundation.errors import LakehouseError
from pipeline.home.places import Home
from pipeline.settings import load_settings
from pipeline.spark.session import build_session
from pipeline.spark_settings import SparkSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

# Folders of one pipeline that are called by their layer.
_LAYERS = re.compile(
    r"^[\d_-]*(bronze|silver|gold|raw|landing|staging|transformations?|dlt|pipelines?|views?|tables?)", re.IGNORECASE
)
# Each refusal is of the first kind whose pattern its message has.
KINDS = {
    "AUTO CDC": r"AUTO CDC",
    "a parameter without a value": r"the parameter `|has no value",
    "a module that is not installed": r"there is no module",
    "a stream that has no flow": r"has no flow here|read as a stream",
    "a sink or an event hook": r"create_sink|foreach_batch_sink|on_event_hook|update_flow",
    "an option of Auto Loader": r"Auto Loader's option",
    "a function of Databricks alone": r"has no function|Unity Catalog",
    "%run": r"%run",
    "dbutils": r"dbutils|no secret",
    "a flow with once": r"has `once`",
    "a query that streams cannot keep": r"the streaming table `|cannot keep",
    "a query that does not run": r"does not run|Error: |UNRESOLVED|cannot be resolved",
}


def main(clones: Path, listed: Path, result: Path) -> None:
    """Write the result of a dry run of every pipeline in the repositories that are there."""
    with tempfile.TemporaryDirectory(prefix="corpus-") as scratch:
        spark = build_session(Home(Path(scratch) / "home"), SparkSettings(driver_memory="2g"))
        found = list(_dry_runs(clones, listed, Path(scratch), spark))
        spark.stop()
    kinds = Counter(one["refused"] for one in found if one["refused"])
    content = {
        "repositories": len({one["repository"] for one in found}),
        "pipelines": len(found),
        "files": sum(one["files"] for one in found),
        "pipelines_taken": sum(not one["refused"] for one in found),
        "files_taken": sum(one["files"] for one in found if not one["refused"]),
        "refused": dict(kinds.most_common()),
        "of_each": found,
    }
    result.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _dry_runs(clones: Path, listed: Path, scratch: Path, spark: SparkSession) -> Iterator[dict[str, Any]]:
    for line in listed.read_text(encoding="utf-8").split("\n"):
        if not line.strip():
            continue
        repository, commit = line.split()
        folder = _checked_out(clones, repository, commit, scratch)
        if folder is None:
            continue
        for group, files in _pipelines(folder).items():
            message = _message(folder, group, files, scratch, spark)
            yield {
                "repository": repository,
                "pipeline": group,
                "files": len(files),
                "refused": _kind(message) if message else "",
            }
            print(repository, group, len(files), message.replace(str(folder), "")[:200], flush=True)


def _checked_out(clones: Path, repository: str, commit: str, scratch: Path) -> Path | None:
    """Return a folder with the files of a repository's commit, or of its newest one where that is not there."""
    name = repository.replace("/", "+")
    places = [clones / name / "repo", clones / repository, clones / name]
    place = next(filter(Path.is_dir, places), None)
    if place is None:
        return None
    for version in (commit, "HEAD"):
        archive = subprocess.run(["git", "-C", place, "archive", version], capture_output=True, check=False)
        if archive.returncode == 0:
            break
    else:
        return None
    folder = scratch / "sources" / name
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


def _pipelines(folder: Path) -> dict[str, list[Path]]:
    """Return the files that declare something, by the folder of their pipeline: folders of layers are joined."""
    groups: dict[str, list[Path]] = {}
    for file in declaring_files(folder):
        parent = file.parent
        while parent != folder and _LAYERS.match(parent.name):
            parent = parent.parent
        groups.setdefault(str(parent.relative_to(folder)), []).append(file)
    return groups


def _message(folder: Path, group: str, files: list[Path], scratch: Path, spark: SparkSession) -> str:
    """Return why a pipeline is refused, or nothing."""
    settings = folder / group / "corpus-settings.yml"
    text = "".join(file.read_text(encoding="utf-8", errors="replace") for file in files)
    names = re.findall(r"spark\.conf\.get\(\s*[\"']([\w.-]+)[\"']|\$\{([\w.-]+)\}", text)
    content = {
        "name": group,
        "schema": "corpus",
        "sources": [str(file.relative_to(settings.parent)) for file in files],
        "configuration": {name: "main" for pair in names for name in pair if name},
    }
    settings.write_text(yaml.safe_dump(content), encoding="utf-8")
    try:
        lakehouse = open_lakehouse(
            spark, Home(scratch / "lakehouse"), load_settings(settings), SystemClock(), needs_data=False
        )
        lakehouse.close()
    except LakehouseError as error:
        return error.problem
    except Exception as error:  # noqa: BLE001 - a mistake of the engine, which the result has to show
        return f"unexpected {type(error).__name__}: {error}"
    return ""


def _kind(message: str) -> str:
    if message.startswith("unexpected"):
        return "a mistake of the engine"
    return next((kind for kind, pattern in KINDS.items() if re.search(pattern, message)), "another reason")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
