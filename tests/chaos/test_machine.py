"""What the machine does to an update: two at the same moment, a full disk, a signal."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from pipeline.home.places import CHECKOUT, Home
from tests.chaos.ordeal import Ordeal

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.chaos

# The session's own files need some of it; the test fills the rest.
_DISK_MEGABYTES = 400
_LEFT_KILOBYTES = 60


def test_two_updates_at_the_same_moment_leave_one_refused_ten_times_over(tmp_path: Path) -> None:
    ordeal = Ordeal(Home(tmp_path / "a home"), random.Random(1))
    for _ in range(int(os.environ.get("PAIRS") or 10)):
        ordeal.land()
        first, second = ordeal.start(), ordeal.start()
        ended = {process: process.communicate(timeout=300) for process in (first, second)}
        codes = sorted(process.returncode for process in ended)
        assert codes == [0, 3], ended
        (refused,) = [errors for process, (_, errors) in ended.items() if process.returncode == 3]
        assert refused.startswith("Another update holds this lakehouse: ")
    ordeal.check()


def test_full_disk_fails_the_update_and_the_next_one_finishes_it(tmp_path: Path) -> None:
    probe = ["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", str(tmp_path)]
    if shutil.which("unshare") is None or subprocess.run(probe, check=False, capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted: that takes root and unshare")
    script = f'mount -t tmpfs -o size={_DISK_MEGABYTES}m tmpfs "$1" && exec "$2" -m pytest -m chaos -q "$3::{{}}"'
    inside = script.format("test_inside_a_small_disk")
    environment = {**os.environ, "SMALL_DISK": str(tmp_path)}
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", inside, "sh", str(tmp_path), sys.executable, __file__],
        check=False, capture_output=True, text=True, env=environment, cwd=CHECKOUT, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    # One dot for the test that passed; a skipped one would be an `s`.
    assert done.stdout.startswith(". "), done.stdout


@pytest.mark.skipif("SMALL_DISK" not in os.environ, reason="runs inside the disk that the test above mounts")
def test_inside_a_small_disk(tmp_path: Path) -> None:
    disk = tmp_path.__class__(os.environ["SMALL_DISK"])
    ordeal = Ordeal(Home(disk / "a home"), random.Random(2))
    ordeal.land()
    assert ordeal.run().returncode == 0
    ordeal.land()
    filler = disk / "filler"
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize - _LEFT_KILOBYTES * 1024
    with filler.open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, free)
    full = ordeal.run()
    assert full.returncode == 1, full.stdout + full.stderr
    assert "No space left on device" in full.stdout + full.stderr
    filler.unlink()
    after = ordeal.run()
    assert after.returncode == 0, after.stdout + after.stderr
    ordeal.check()


@pytest.mark.parametrize("mode", ["--continuous", "--on-file-arrival"])
def test_mode_reads_new_files_and_ends_with_0_after_a_signal(tmp_path: Path, mode: str) -> None:
    ordeal = Ordeal(Home(tmp_path / "a home"), random.Random(3))
    ordeal.land()
    with ordeal.start(mode) as process:
        for count in (1, 2):
            for _ in range(600):
                if len(ordeal.lakehouse.rows("gold_hourly_device_summary", "reading_count")) and ordeal.is_all_read():
                    break
                time.sleep(0.2)
            else:
                process.kill()
                pytest.fail(f"landing {count} has not reached gold: {process.communicate()}")
            if count == 1:
                ordeal.land()
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, output + errors
    ordeal.check()
