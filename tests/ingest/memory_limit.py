"""A program that may use no more memory than it is given, all processes that it starts included."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_GROUPS = Path("/sys/fs/cgroup")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def run_limited(command: Sequence[str], folder: Path, limit_bytes: int) -> tuple[int, str, int]:
    """Run a program, and return its exit code, its output and the most memory that its processes held at once.

    A control group holds the limit, and the kernel kills what goes beyond. Where none can be made, all processes are
    killed as soon as their resident memory together is more, as far as looks at it twice a second show.
    """
    with _group(limit_bytes) as group:
        enter = [] if group is None else ["sh", "-c", 'echo $$ > "$0" && exec "$@"', str(group / "cgroup.procs")]
        with subprocess.Popen(
            [*enter, *command], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            watch = _Watch(process.pid, limit_bytes)
            output, _ = process.communicate(timeout=3000)
        return process.returncode, output, watch.closed()


@contextmanager
def _group(limit_bytes: int) -> Iterator[Path | None]:
    """Make a control group of version 2 or 1 for the block, or none."""
    for parent, limit in ((_GROUPS, "memory.max"), (_GROUPS / "memory", "memory.limit_in_bytes")):
        group = parent / f"lakehouse-test-{os.getpid()}"
        with suppress(OSError):
            group.mkdir()
            try:
                group.joinpath(limit).write_text(str(limit_bytes))
            except OSError:
                group.rmdir()
                raise
            break
    else:
        yield None
        return
    try:
        yield group
    finally:
        for _ in range(100):
            with suppress(OSError):
                group.rmdir()
                break
            time.sleep(0.1)


class _Watch:
    """The resident memory of a process and of all that it started."""

    def __init__(self, pid: int, limit_bytes: int) -> None:
        self._pid, self._limit_bytes = pid, limit_bytes
        self._peak = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def closed(self) -> int:
        self._over.set()
        self._thread.join()
        return self._peak

    def _look(self) -> None:
        while not self._over.wait(0.5):
            pids = [*_tree(self._pid)]
            self._peak = max(self._peak, sum(map(_resident_bytes, pids)))
            if self._peak > self._limit_bytes:
                for pid in pids:
                    with suppress(OSError):
                        os.kill(pid, 9)


def _tree(pid: int) -> Iterator[int]:
    yield pid
    with suppress(OSError):
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in children.read_text(encoding="utf-8").split():
                yield from _tree(int(child))


def _resident_bytes(pid: int) -> int:
    """Return the memory of a process, its share of what it has in common with others."""
    with suppress(OSError, ValueError, IndexError):
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
        return 1024 * int(text.partition("\nPss:")[2].split()[0])
    return 0
