"""Drivers, executors and workers killed while updates run on a cluster; `make test-cluster N=40 SEED=2`."""

from __future__ import annotations

import os
import random
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.chaos.ordeal import NAMED, Kill, Ordeal
from tests.chaos.test_kills import KILLS, SEED

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tests.cluster.standalone import Cluster

pytestmark = pytest.mark.cluster

# What dies in turn: a driver at a named moment or a random one, an executor, a worker with its executors.
_VICTIMS = ("driver", "executor", "worker")


def test_update_after_each_kill_recovers_by_itself_and_loses_and_repeats_nothing(
    cluster: Cluster, spark: SparkSession
) -> None:
    dice = random.Random(SEED)
    ordeal = Ordeal(cluster.home, dice)
    # The first update takes a new session's time, which random moments are drawn from.
    ordeal.land()
    assert ordeal.run().returncode == 0
    for number in range(KILLS):
        ordeal.land()
        if number % 2:
            ordeal.land_many()
        victim = _VICTIMS[number % len(_VICTIMS)]
        if victim == "driver":
            ordeal.kill(dice.choice([Kill(), *(kill for kill in NAMED if not kill.reads_again and not kill.of_many)]))
        else:
            _run_and_kill(ordeal, cluster, victim)
        ordeal.recover(spark)
        ordeal.check()


def _run_and_kill(ordeal: Ordeal, cluster: Cluster, victim: str) -> None:
    """Run an update, and kill an executor or a worker under it; the update ends either way."""
    before = set(cluster.executors())
    with ordeal.start() as process:
        # The executor of this update's own session, as soon as it is there.
        while process.poll() is None and not (new := sorted(set(cluster.executors()) - before)):
            time.sleep(0.05)
        assert process.poll() is None, process.communicate()
        time.sleep(ordeal.dice.uniform(0.0, ordeal.seconds / 2))
        if victim == "executor":
            os.kill(ordeal.dice.choice(new), signal.SIGKILL)
        else:
            cluster.kill_worker(1)
            cluster.start_worker(1)
        output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, output + errors
