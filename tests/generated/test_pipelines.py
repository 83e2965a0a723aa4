"""Whatever its query, a table equals it after every update: late, repeated or no rows, and kills in between."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.generated.pipelines import Generated, plan

if TYPE_CHECKING:
    from tests.conftest import TestLakehouse

# By hand: `make property N=2000 SEED=7` makes up as many queries, and goes on where it was stopped.
QUERIES = int(os.environ.get("N", "40"))
SEED = int(os.environ.get("SEED", "1"))
PROGRESS = os.environ.get("PROGRESS")
OF_ONE = 20


@pytest.mark.spark
@pytest.mark.slow
def test_tables_of_generated_queries_equal_them_after_every_update(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    progress = Path(PROGRESS) if PROGRESS else tmp_path / "progress.json"
    done: dict[str, list[str]] = json.loads(progress.read_text()) if progress.exists() else {}
    kept: Counter[str] = Counter()
    for number in range(-(-QUERIES // OF_ONE)):
        key = f"seed {SEED}, pipeline {number}"
        if key in done:
            continue
        folder = tmp_path / str(number)
        folder.mkdir()
        dice = random.Random(f"{SEED}/{number}")
        pipeline = Generated(
            lakehouse.beside(f"{number} home"), folder, plan(dice.randrange(2**32), OF_ONE, dice), dice
        )
        done[key] = pipeline.play()
        kept += pipeline.kept
        progress.write_text(json.dumps(done, indent=1))
    failed = {key: problems for key, problems in done.items() if problems}
    assert not failed, "\n\n".join(f"{key}: {problem}" for key, problems in failed.items() for problem in problems)
    assert PROGRESS or set(kept) >= {"by touched keys", "whole", "by batch", "with Spark's state"}, kept
