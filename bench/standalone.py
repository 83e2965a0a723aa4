"""A standalone Spark cluster on loopback: a master and workers in processes of their own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.foundation.errors import EnvironmentFaultError
from pipeline.home.places import CHECKOUT
from pipeline.spark.cluster import LOCAL_VARIABLE

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.home.places import Home

_LOOKS = 3_000
_SECONDS_BETWEEN_LOOKS = 0.1
# The command itself needs the engine of this checkout; what it starts finds first what PYTHONPATH names.
_START = (
    f"import sys; sys.path.insert(0, {str(CHECKOUT)!r}); sys.argv[0] = 'pipeline'; "
    "from pipeline.commands.app import app; app()"
)


class ClusterNotStartedError(EnvironmentFaultError):
    """The master of a cluster does not listen."""

    def __init__(self, log: Path) -> None:
        super().__init__("The Spark master does not listen.", f"See {log}.")


def free_port() -> int:
    """Return a port of the loopback address on which nothing listens now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@dataclass
class Standalone:
    """A master and its workers, each with a local folder of its own, over one home.

    Attributes:
        folder: Takes the logs and the local folders.
        modules: A folder that the workers have on their Python path.
        worker_cores: What each worker offers.
        processes: What runs, by name: `master`, `worker0`, `worker1` ….
    """

    home: Home
    folder: Path
    modules: Path | None = None
    worker_cores: int = 1
    port: int = field(default_factory=free_port)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """The master, as `spark.master` names it."""
        return f"spark://127.0.0.1:{self.port}"

    def start(self, workers: int = 2) -> None:
        """Start the master, wait until it listens, and start the workers; a session waits for those.

        Raises:
            ClusterNotStartedError: The master ended, or does not listen.
        """
        self._start("master", "master", "--port", str(self.port))
        for _ in range(_LOOKS):
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", self.port)) == 0:
                    break
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        else:
            raise ClusterNotStartedError(self.folder / "master.log")
        for number in range(workers):
            self.start_worker(number)

    def start_worker(self, number: int) -> None:
        """Start a worker, or start it again."""
        cores = str(self.worker_cores)
        self._start(f"worker{number}", "worker", self.address, "--cores", cores, "--memory", "3g")

    def stop(self) -> None:
        """End all processes."""
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait(timeout=30)

    def _start(self, name: str, *arguments: str) -> None:
        local = self.folder / name
        local.mkdir(parents=True, exist_ok=True)
        environment = os.environ | {LOCAL_VARIABLE: str(local), "PYTHONPATH": str(self.modules or "")}
        command = [sys.executable, "-c", _START, "cluster", *arguments, "--home", str(self.home.root)]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command, cwd=local, env=environment, stdout=log, stderr=subprocess.STDOUT
            )
