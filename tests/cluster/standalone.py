"""A standalone cluster whose processes a test looks at and kills."""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.standalone import Standalone
from pipeline.spark.cluster import LOCAL_VARIABLE

_EXECUTOR = b"CoarseGrainedExecutorBackend"


@dataclass
class Cluster(Standalone):
    """A master and its workers on loopback."""

    def kill_worker(self, number: int) -> None:
        """End a worker and its executors without warning."""
        worker = self.processes[f"worker{number}"]
        worker.kill()
        worker.wait()
        for executor in self.executors(f"worker{number}"):
            os.kill(executor, signal.SIGKILL)

    def restart_master(self) -> None:
        """End the master without warning and start it again, on the same port."""
        self.processes["master"].kill()
        self.processes["master"].wait()
        self.start(workers=0)

    def executors(self, *workers: str) -> list[int]:
        """Return the process ids of the executors, of all workers or of those named."""
        folders = [self.folder / name for name in workers or self.processes]
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                command, environment = (entry / "cmdline").read_bytes(), (entry / "environ").read_bytes()
            except OSError:
                continue
            is_ours = any(f"{LOCAL_VARIABLE}={folder}\0".encode() in environment for folder in folders)
            if _EXECUTOR in command and is_ours:
                found.append(int(entry.name))
        return found

    def listeners(self) -> set[str]:
        """Return the addresses on which master, workers and executors listen for TCP, without ports."""
        own = [process.pid for process in self.processes.values()] + self.executors()
        shown = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True).stdout
        lines = [line for line in shown.splitlines() if any(f"pid={pid}," in line for pid in own)]
        return {line.split()[3].rpartition(":")[0] for line in lines}
