"""The demo's acts and the continuous mode on a cluster."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from pipeline.home.places import CHECKOUT, Home
from tests.chaos.ordeal import Ordeal

if TYPE_CHECKING:
    from tests.cluster.standalone import Cluster

pytestmark = pytest.mark.cluster

SECONDS = int(os.environ.get("SECONDS_OF_STREAM") or 120)


def test_acts_of_the_demo_play_as_on_one_machine(cluster: Cluster) -> None:
    home = cluster.folder / "demo"
    played = subprocess.run(
        [sys.executable, "-m", "demo", "all", "--home", str(home)], cwd=CHECKOUT, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert played.returncode == 0, played.stdout + played.stderr
    assert "The demo is over" in played.stdout


def test_continuous_mode_stores_what_lands_each_second(cluster: Cluster) -> None:
    ordeal = Ordeal(Home(cluster.folder / "continuous"), random.Random(1))
    ordeal.land()
    with ordeal.start("--continuous") as process:
        ends = time.monotonic() + SECONDS
        while time.monotonic() < ends or not ordeal.is_all_read():
            if time.monotonic() < ends:
                ordeal.land()
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < ends + 120
            time.sleep(1)
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, output + errors
    assert json.loads(output)["state"] == "COMPLETED"
    ordeal.check()
