"""A real S3 server on loopback, whose objects are files of a folder."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

CHECKOUT = Path(__file__).resolve().parents[2]
BINARY = CHECKOUT / ".cache" / "versitygw-1.8.0" / "versitygw"
BUCKET = "lake"
USER, PASSWORD = "factory", "factory-password"
_PATIENCE_SECONDS = 30


class S3Server:
    """The server, and one bucket."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "objects"
        (self.data / BUCKET).mkdir(parents=True)
        self._log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> Mapping[str, str]:
        """What a client of the server needs to know."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": USER,
            "AWS_SECRET_ACCESS_KEY": PASSWORD,
            "AWS_REGION": "us-east-1",
        }

    def start(self) -> None:
        assert BINARY.exists(), f"{BINARY} is missing: run `make test-object-store`, which builds it"
        command = [str(BINARY), "--port", f"127.0.0.1:{self.port}", "--keep-alive", "--quiet", "posix", str(self.data)]
        environment = {**os.environ, "ROOT_ACCESS_KEY": USER, "ROOT_SECRET_KEY": PASSWORD}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                assert self._process.poll() is None, self._log.read_text()
                assert time.monotonic() < deadline, self._log.read_text()
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def clear(self) -> None:
        """Leave the bucket empty."""
        for entry in (self.data / BUCKET).iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
