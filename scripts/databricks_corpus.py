"""Dry-runs the Databricks pipelines in a folder of repositories, and writes what was taken and what was refused.

Usage: python -m scripts.databricks_corpus CLONES LIST RESULT

CLONES has the repositories, as `owner+name` or `owner/name`, each with its Git directory. LIST names repositories and
commits, one pair a line. RESULT gets the counts as JSON; each pipeline's outcome is printed. Nothing of a repository is
kept. A pipeline's code is run, so run this without a network, such as below `unshare --net`.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from pipeline.databricks.adopting import declaring_files
from pipeline.flows.open import open_lakehouse
from pipeline.foundation.clock import SystemClock
from pipeline.foundation.errors import LakehouseError, NoDataError
from pipeline.home.places import Home
from pipeline.settings import load_settings
from pipeline.spark.session import build_session
from pipeline.spark_settings import SparkSettings
from scripts.databricks_features import features_of, summary_of, table_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyspark.sql import SparkSession

# Folders of one pipeline that are called by their layer.
_LAYERS = re.compile(
    r"^[\d_-]*(bronze|silver|gold|raw|landing|staging|transformations?|dlt|pipelines?|views?|tables?)", re.IGNORECASE
)
# What tools make of their tests and templates, and what has no pipeline of its own.
_NO_PIPELINE = re.compile(r"^_?fixtures$|^tests?$|\{\{|^conftest\.py$|baseline_validation|^generated", re.IGNORECASE)
_PART_OF_A_PACKAGE = re.compile(r"^from \.", re.MULTILINE)
_DECLARES_NOTHING = "declare no table"
_DECLARED_TWICE = "is declared already"
# What a parameter may be, in the order in which they are tried.
_VALUES = ("main", "1", "2024-01-01", '["main"]')
_BAD_VALUE = re.compile(r"ValueError|time data|malformed node|JSONDecodeError|does not match format|invalid literal")
_MOST_TRIES = 40
# Each refusal is of the first kind whose pattern its message has.
KINDS = {
    "Kafka, Kinesis and other streams": r"has no flow here",
    "a database's driver that is missing": r"ClassNotFoundException",
    "a sink or an event hook": r"create_sink|foreach_batch_sink|on_event_hook|update_flow",
    "a package that is not installed": r"there is no module",
    "an option of Auto Loader": r"Auto Loader's option",
    "a function of Databricks alone": r"has no function|Unity Catalog|cannot import name",
    "`%run`": r"%run",
    "`dbutils` beyond secrets, widgets and `fs.ls`": r"dbutils",
    "writes and other statements that declare nothing": r"would write|not a query|is not a declaration|template",
    "a query that streams cannot keep": r"the streaming table `|cannot keep|reads a stream",
    "a mistake in the source itself": r"SyntaxError|IndentationError|NameError|is not defined|TypeError|whose name is"
    r"|FIELD_DATA_TYPE_UNACCEPTABLE",
    "a file or query that cannot run without its data": r"does not run|Error: |UNRESOLVED|cannot be resolved",
}


@dataclass
class Corpus:
    """The repositories, and the session that dry-runs them."""

    clones: Path
    scratch: Path
    spark: SparkSession
    outcomes: list[dict[str, Any]] = field(default_factory=list)
    _remedy: str = ""

    def run(self, repository: str, commit: str) -> None:
        """Dry-run every pipeline of a repository that is there."""
        folder = self._checked_out(repository, commit)
        for group, files in _pipelines(folder).items() if folder is not None else ():
            assert folder is not None
            for part, message in self._outcomes(folder, group, files):
                if _DECLARES_NOTHING in message:
                    continue
                kind = _kind(message) if message else ""
                features = features_of("\n".join(map(_text_of, part)))
                one = {"repository": repository, "files": len(part), "features": features, "refused": kind}
                self.outcomes.append(one)
                shown = message.replace(str(folder), "").split("\n", 1)[0]
                print(repository, group, len(part), f"{kind}: {shown}" if kind else "", sep=" | ", flush=True)

    def _checked_out(self, repository: str, commit: str) -> Path | None:
        """Return a folder with a repository's files at a commit, or at its newest one where that is not there."""
        name = repository.replace("/", "+")
        places = [self.clones / name / "repo", self.clones / repository, self.clones / name]
        place = next(filter(Path.is_dir, places), None)
        for version in (commit, "HEAD") if place is not None else ():
            command = ["git", "-C", str(place), "archive", version]
            archive = subprocess.run(command, capture_output=True, check=False)
            if archive.returncode == 0:
                folder = self.scratch / "sources" / name
                with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
                    files.extractall(folder, filter="data")
                return folder
        return None

    def _outcomes(self, folder: Path, group: str, files: list[Path]) -> Iterator[tuple[list[Path], str]]:
        """Return the files of each pipeline of a group, and why it is refused.

        Files that declare the same tables are pipelines of their own: variants of one example.
        """
        message = self._message(folder, group, files)
        if _DECLARED_TWICE not in message or len(files) == 1:
            yield files, message
            return
        for ending in (".sql", ".py", ".ipynb"):
            part = [file for file in files if file.suffix == ending]
            message = self._message(folder, group, part) if part else ""
            if _DECLARED_TWICE in message and len(part) > 1:
                for file in part:
                    yield [file], self._message(folder, group, [file])
            elif part:
                yield part, message

    def _message(self, folder: Path, group: str, files: Sequence[Path]) -> str:
        """Return why a pipeline is refused, or nothing."""
        text = "".join(map(_text_of, files))
        parameters = set(re.findall(r"""spark\.conf\.get\(\s*["']([\w.-]+)["']\s*(?:\)|,\s*(?:""|''))""", text))
        paths: dict[str, str] = {}
        secrets: dict[str, str] = {}
        values = list(_VALUES)
        for _ in range(_MOST_TRIES):
            content = {
                "name": group,
                "schema": "corpus",
                "sources": [str(file.relative_to(folder)) for file in files],
                "configuration": dict.fromkeys(sorted(parameters), values[0]),
                "secrets": secrets,
                "paths": paths,
            }
            message = self._opened(folder, content)
            asked = set(re.findall(r"parameter `([^`]+)` has no value|`\$\{([^}]+)\}` has no value", message))
            unknown = {name for pair in asked for name in pair if name} - parameters
            wanted = set(re.findall(r"no secret `([^`]+)`", message)) - secrets.keys()
            unplaced = set(re.findall(r"If it is in (/Workspace/[^,]+), name", message)) - paths.keys()
            if unplaced:
                paths |= {path: str(_folder_for(path, folder)) for path in unplaced}
            elif unknown or wanted:
                parameters |= unknown
                secrets |= dict.fromkeys(wanted, "secret")
            elif _BAD_VALUE.search(message) and parameters and len(values) > 1:
                values.pop(0)
            else:
                break
        # The remedy of a missing module names a folder, and is read above.
        return message.removesuffix(f" {self._remedy}")

    def _opened(self, folder: Path, content: dict[str, Any]) -> str:
        settings = folder / "corpus-settings.yml"
        settings.write_text(yaml.safe_dump(content), encoding="utf-8")
        home = Home(self.scratch / "lakehouse")
        try:
            open_lakehouse(self.spark, home, load_settings(settings), SystemClock(), needs_data=False).close()
        except NoDataError:
            # All of it waits for data; nothing else is wrong with it.
            return ""
        except LakehouseError as error:
            self._remedy = error.remedy
            return str(error)
        except Exception as error:  # noqa: BLE001 - a mistake of the engine, which the result has to show
            return f"unexpected {type(error).__name__}: {error}"
        return ""


def main(clones: Path, listed: Path, result: Path) -> None:
    """Write the result of a dry run of every pipeline in the repositories that are there."""
    with tempfile.TemporaryDirectory(prefix="corpus-") as scratch:
        spark = build_session(Home(Path(scratch) / "home"), SparkSettings(driver_memory="2g"))
        corpus = Corpus(clones, Path(scratch), spark)
        for line in filter(str.strip, listed.read_text(encoding="utf-8").split("\n")):
            corpus.run(*line.split())
        spark.stop()
    summary = summary_of(corpus.outcomes)
    result.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    print(table_of(summary))


def _pipelines(folder: Path) -> dict[str, list[Path]]:
    """Return the files that declare something, by the folder of their pipeline: folders of layers are joined."""
    groups: dict[str, list[Path]] = {}
    for file in declaring_files(folder):
        parts = file.relative_to(folder).parts
        if any(map(_NO_PIPELINE.search, parts)) or _PART_OF_A_PACKAGE.search(_text_of(file)):
            continue
        parent = file.parent
        while parent != folder and _LAYERS.match(parent.name):
            parent = parent.parent
        groups.setdefault(str(parent.relative_to(folder)), []).append(file)
    return groups


def _folder_for(path: str, folder: Path) -> Path:
    """Return the folder of a repository that a path in somebody's workspace means, by its last parts."""
    parts = Path(path).parts
    for start in range(2, len(parts)):
        for found in sorted(folder.rglob("/".join(parts[start:]))):
            return found.relative_to(folder)
    return Path()


def _text_of(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")


def _kind(message: str) -> str:
    if message.startswith("unexpected"):
        return "a mistake of the engine"
    return next((kind for kind, pattern in KINDS.items() if re.search(pattern, message)), "another reason")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
