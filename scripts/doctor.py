"""`make doctor`: a line for each thing that the project needs of this machine, and what to type where it lacks one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from scripts import machine

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Print each finding as soon as it is known; return 1 if something is missing that the demo or the tests need."""
    findings = []
    for finding in _findings():
        findings.append(finding)
        print(line(finding), flush=True)
    missing = [finding.subject for finding in findings if finding.is_needed and not finding.is_enough]
    if missing:
        print(f"\n`make demo` cannot run here yet: see {', '.join(missing)}.")
        return 1
    print("\n`make demo` can run here.")
    return 0


def line(finding: machine.Finding) -> str:
    """Return a finding as a line: a tick, a cross, or a hyphen for what only some targets need."""
    mark = "✔" if finding.is_enough else "✘" if finding.is_needed else "-"
    return f"{mark} {finding.subject:<10}  {finding.sentence}"


def _findings() -> Iterator[machine.Finding]:
    yield machine.python()
    yield machine.java()
    yield machine.memory()
    yield machine.disk(CHECKOUT)
    for number, user in machine.PORTS.items():
        yield machine.port(number, user)
    yield machine.docker()
    yield machine.network()


if __name__ == "__main__":
    sys.exit(main())
