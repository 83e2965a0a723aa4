"""Updates killed at named points and at random moments; `make chaos N=50 SEED=1`."""

from __future__ import annotations

import os
import random
import sys
from typing import TYPE_CHECKING

import pytest

from pipeline.foundation.fault_points import FaultPoint
from pipeline.home.places import Home
from tests.chaos.ordeal import NAMED, Kill, Ordeal

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

pytestmark = pytest.mark.chaos

KILLS = int(os.environ.get("N") or 5)
SEED = int(os.environ.get("SEED") or 1)
# A new process takes three times as long as a warm session, but a warm session may remember what is no longer true.
COLD_EVERY = 5


def test_named_kills_cover_every_fault_point() -> None:
    assert {(kill.point or "").partition(":")[0] for kill in NAMED} == set(FaultPoint)


def test_update_after_each_kill_recovers_by_itself_and_loses_and_repeats_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], spark: SparkSession
) -> None:
    dice = random.Random(SEED)
    ordeal = Ordeal(Home(tmp_path / "a home"), dice)
    for number, kill in enumerate(_drawn(dice, KILLS), start=1):
        _say(capsys, f"\nkill {number} of {KILLS}, seed {SEED}: {kill} ")
        if kill.reads_again or not ordeal.sent:
            broken = ordeal.land_broken()
            ordeal.land()
            ordeal.recover(spark)
            ordeal.mend(broken)
        ordeal.land()
        if kill.of_many:
            # Spark's writer, not the workers', would write rows with new columns.
            ordeal.recover(spark)
            ordeal.land_many()
        ordeal.kill(kill)
        if dice.random() < 0.5:
            ordeal.land()
        if number % COLD_EVERY:
            ordeal.recover(spark)
        else:
            after = ordeal.run()
            assert after.returncode == 0, after.stdout + after.stderr
        ordeal.check()
        _say(capsys, f"- {sum(map(len, ordeal.sent.values())):,} readings intact")


def _say(capsys: pytest.CaptureFixture[str], text: str) -> None:
    with capsys.disabled():
        sys.stdout.write(text)
        sys.stdout.flush()


def _drawn(dice: random.Random, count: int) -> list[Kill]:
    """Return this many kills: every named point once before any twice, and a random moment after each second one."""
    named = [*NAMED]
    dice.shuffle(named)
    rounds = [kill for index, one in enumerate(named) for kill in ([one, Kill()] if index % 2 else [one])]
    return [rounds[number % len(rounds)] for number in range(count)]
