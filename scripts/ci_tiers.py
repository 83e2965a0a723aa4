"""Runs the tiers of `.ci/tiers.toml` that are due; its last lines say what ran, what did not, and why."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.foundation.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

CHECKOUT = Path(__file__).resolve().parent.parent
TABLE = CHECKOUT / ".ci" / "tiers.toml"
ALWAYS = "always"
GROUPS = ("A", "B", "C")
CANNOT_RUN = 77
# What pytest ends with, such as "12 passed, 1 skipped in 3.20s".
_CLOSING = re.compile(r"\b\d+ (?:passed|failed|errors?|skipped)\b.* in [\d.]+s")


@dataclass(frozen=True)
class Tier:
    """A command of CI: when it is due, and how many minutes it takes on a slow day."""

    name: str
    when: str
    minutes: int
    command: str
    paths: tuple[str, ...] = ()

    def is_touched_by(self, changed: Iterable[str]) -> bool:
        """Return whether one of the changed files lies below one of its paths."""
        return any(file.startswith(self.paths) for file in changed)


@dataclass(frozen=True)
class Table:
    """All tiers, and the minutes they may take together."""

    tiers: tuple[Tier, ...]
    commits: int
    limit: int
    setup: int


@dataclass(frozen=True)
class Outcome:
    """What became of a tier: `passed`, `FAILED` or `NOT run`, and the reason or pytest's closing line."""

    tier: str
    verdict: str
    text: str = ""

    def __str__(self) -> str:
        """Return the line of the summary."""
        return f"  {self.tier:<9} {self.verdict:<8} {self.text}".rstrip()


PASSED, FAILED, NOT_RUN = "passed", "FAILED", "NOT run"


def load_table(file: Path = TABLE) -> Table:
    """Read the table of tiers, in the file's order."""
    content = tomllib.loads(file.read_text(encoding="utf-8"))
    tiers = [Tier(**{**item, "paths": tuple(item.get("paths", ()))}) for item in content.pop("tier")]
    return Table(tiers=tuple(tiers), **content)


def group_of(day: date) -> str:
    """Return the group whose turn it is; days are counted on across months."""
    return GROUPS[day.toordinal() % len(GROUPS)]


def due(table: Table, group: str, changed: Iterable[str]) -> tuple[list[Tier], list[Outcome]]:
    """Part the tiers into those to run, in order, and those that are not due.

    The quick ones come first, then the group, then others whose files changed.
    """
    changed = list(changed)
    always = [tier for tier in table.tiers if tier.when == ALWAYS]
    heavy = [tier for tier in table.tiers if tier.when != ALWAYS]
    in_turn = [tier for tier in heavy if group in {tier.when, "all"}]
    touched = [tier for tier in heavy if tier not in in_turn and tier.is_touched_by(changed)]
    left = [tier for tier in heavy if tier not in touched and tier not in in_turn]
    reason = f"today is group {group}'s turn, and the last {table.commits} commits did not touch its paths"
    return [*always, *in_turn, *touched], [Outcome(tier.name, NOT_RUN, reason) for tier in left]


def changed_files(checkout: Path, commits: int) -> set[str]:
    """Return the files that the last commits changed; none where git knows nothing of them.

    A shallow clone lists its oldest commit as if that had added every file, so that one does not count.
    """
    command = ["git", "log", f"-{commits}", "--no-renames", "--name-only", "--format=commit %H"]
    log = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    entries = re.split(r"^commit ", log.stdout if log.returncode == 0 else "", flags=re.MULTILINE)[1:]
    oldest = _shallow_commits(checkout)
    parted = [entry.split() for entry in entries]
    return {file for commit, *files in parted if commit not in oldest for file in files}


def _shallow_commits(checkout: Path) -> set[str]:
    command = ["git", "rev-parse", "--path-format=absolute", "--git-path", "shallow"]
    asked = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    file = Path(asked.stdout.strip())
    return set(file.read_text(encoding="utf-8").split()) if asked.returncode == 0 and file.is_file() else set()


def run_all(
    tiers: Iterable[Tier],
    limit: int,
    minutes_gone: Callable[[], float],
    execute: Callable[[str], tuple[int, list[str]]],
) -> list[Outcome]:
    """Run tiers in order and return what became of each.

    Every quick tier runs. A heavy one does not start after a quick one has failed, or where it would end after `limit`.
    """
    outcomes: list[Outcome] = []
    broken: list[str] = []
    for tier in tiers:
        quick = tier.when == ALWAYS
        if broken and not quick:
            outcomes.append(Outcome(tier.name, NOT_RUN, f"{' and '.join(broken)} failed"))
        elif not quick and minutes_gone() + tier.minutes > limit:
            gone = f"{minutes_gone():.0f} of {limit} minutes had gone by, and it may take {tier.minutes}"
            outcomes.append(Outcome(tier.name, NOT_RUN, gone))
        else:
            sys.stdout.write(f"\n=== {tier.name}: {tier.command}\n")
            outcomes.append(_outcome(tier, *execute(tier.command)))
            if quick and outcomes[-1].verdict == FAILED:
                broken.append(tier.name)
    return outcomes


def _outcome(tier: Tier, code: int, lines: list[str]) -> Outcome:
    """Judge a command by its exit code; `lines` are the last ones it has printed."""
    if code == CANNOT_RUN:
        return Outcome(tier.name, NOT_RUN, lines[-1] if lines else "")
    closing = [line.strip("= ") for line in lines if _CLOSING.search(line)]
    return Outcome(tier.name, FAILED if code else PASSED, closing[-1] if closing else "")


def execute(command: str) -> tuple[int, list[str]]:
    """Run a command in bash, showing what it prints; return its exit code and its last lines that are not blank.

    `make` turns every failure into a 2, so a tier that may say 77 is called without it.
    """
    lines: list[str] = []
    with subprocess.Popen(
        ["bash", "-c", command],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            sys.stdout.write(line)
            sys.stdout.flush()
            if line.strip():
                lines = [*lines[-19:], line.strip()]
    return process.returncode, lines


def main() -> int:
    """Run what is due, print the summary and return 1 where a tier has failed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--group", choices=(*GROUPS, "all"), default=group_of(SystemClock().now().date()))
    options.add_argument("--seconds-gone", type=float, default=0, help="what set-up has taken")
    given = options.parse_args()
    begun = time.monotonic() - given.seconds_gone
    table = load_table()
    tiers, left = due(table, given.group, changed_files(CHECKOUT, table.commits))
    outcomes = [*run_all(tiers, table.limit, lambda: (time.monotonic() - begun) / 60, execute), *left]
    minutes = (time.monotonic() - begun) / 60
    sys.stdout.write(f"\nCI, group {given.group}, {minutes:.0f} minutes:\n")
    sys.stdout.writelines(f"{outcome}\n" for outcome in outcomes)
    return 1 if any(outcome.verdict == FAILED for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
