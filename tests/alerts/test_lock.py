"""The lock between processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from alerts.lock import AlertBusyError, held
from pipeline.foundation.errors import EnvironmentFaultError

SHORT = timedelta(seconds=0.1)
ROOT = Path(__file__).resolve().parents[2]
HOLD = """
import sys, signal
from pathlib import Path
from alerts.lock import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    signal.pause()
"""


def test_lock_held_by_another_process_is_busy_until_that_process_dies(tmp_path: Path) -> None:
    path = tmp_path / "state" / "hot.lock"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], cwd=ROOT, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(AlertBusyError, match=r"has held .*hot\.lock for 0\.1 s"), held(path, SHORT):
            pass
        os.kill(other.pid, signal.SIGKILL)
    with held(path, SHORT):
        assert path.exists()
    with held(path, SHORT):
        assert path.exists()


def test_lock_that_cannot_be_created_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")
    with pytest.raises(EnvironmentFaultError, match="cannot be locked"), held(tmp_path / "state" / "hot.lock"):
        pass
