"""Pipelines of generated queries, and what lands in them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline.declare.reading import Reader, reading
from pipeline.flows.open import open_lakehouse
from pipeline.foundation.fault_points import VARIABLE
from pipeline.foundation.limits import DEFAULT_LIMITS, Limits
from pipeline.home.places import CHECKOUT
from pipeline.settings import load_settings
from tests.generated.queries import HEAD, queries
from tests.generated.stateful import REJECTED, stateful_queries
from tests.quality.suite_files import expectation, write_suite

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from hypothesis.strategies import SearchStrategy
    from pyspark.sql import DataFrame

    from pipeline.declare.files_source import FilesSource
    from pipeline.flows.open import Lakehouse
    from tests.conftest import TestLakehouse

SETTINGS = "name: Generated\nschema: generated\nsource: generated.py\nexpectations: suites\n"
# Around the hour in which clocks go forward in Berlin, at borders of windows, before 1970, and far away.
_MOMENTS = (
    "2026-03-28T21:59:59.999999Z", "2026-03-28T22:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T00:30:00Z",
    "2026-03-29T01:00:00Z", "2026-03-29T01:15:00Z", "2026-03-29T01:40:00Z", "2026-03-29T06:00:00Z",
    "2026-03-29T22:00:00Z", "2026-03-30T05:45:00Z", "1969-12-31T23:45:00Z", "2031-01-01T00:00:00Z", None,
)  # fmt: skip
_PLACES = [{"place": place, "region": region, "weight": weight} for place, region, weight in
           [("a", "north", 1.0), ("b", "south", 2.0), ("b", "south", 3.0), ("c", None, None)]]  # fmt: skip
_SUITES = {
    "values": expectation("column_values_to_be_between", "small", "drop", column="value", max_value=4),
    "groups": expectation("column_values_to_be_between", "rare", "drop", column="n", max_value=2),
}
# The most tables with state in a pipeline: each of their updates takes seconds.
_WITH_STATE = 3
Event = dict[str, Any]
T = TypeVar("T")


def events() -> SearchStrategy[Event]:
    """Return the strategy of events; their numbers are such that sums and averages are exact."""
    return st.fixed_dictionaries({
        "device": st.sampled_from(["d1", "d2", "d3", None]),
        "place": st.sampled_from(["a", "b", "aa", None]),
        "at": st.sampled_from(_MOMENTS),
        "value": st.sampled_from([0.0, 1.0, 2.0, 3.0, 5.0, 8.0, -3.0, None]),
        "tags": st.sampled_from(["x", "x,y", "x,x,z", "", None]),
    })  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """A pipeline's queries and the batches that land one after another.

    Attributes:
        declarations: For each table, the source code that declares it.
        suites: For each table whose rows are judged, the suite.
        batches: For each update, the files of events, and the prices that land.
    """

    declarations: Mapping[str, str]
    suites: Mapping[str, str]
    batches: Sequence[tuple[Sequence[Sequence[Event]], Sequence[Event]]]

    def source(self) -> str:
        """Return the module's source code."""
        return HEAD + "".join(self.declarations.values())


def examples(strategy: SearchStrategy[T], count: int, number: int) -> list[T]:
    """Return examples that a seed gives, without the first one, which is always the simplest."""
    found: list[T] = []

    @seed(number)
    @settings(
        max_examples=count + 1, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(strategy)
    def collect(example: T) -> None:
        found.append(example)

    collect()
    return found[1:]


def plan(number: int, count: int, dice: random.Random) -> Plan:
    """Return the pipeline of a seed: some queries, each over the events, an earlier streaming table or any table."""
    sources, declarations, suites = ["events"], dict[str, str](), dict[str, str]()
    by_batch = examples(queries(), count - _WITH_STATE, number)
    made = [*by_batch, *examples(stateful_queries(), _WITH_STATE, number + 2)]
    dice.shuffle(made)
    for position, query in enumerate(dict.fromkeys(made)):
        name = f"t{position}"
        readable = {"anything": [*declarations, "events"], "rows": ["events", *sources], "events": ["events"]}
        declarations[name] = query.declaration(name, dice.choice(readable[query.reads]))
        if query.is_read_on:
            sources.append(name)
        if query.suite:
            suites[name] = query.suite
    files = st.lists(st.lists(events(), max_size=9), max_size=2)
    prices = st.lists(st.fixed_dictionaries({
        "device": st.sampled_from(["d1", "d2", "d4", None]), "price": st.sampled_from([1.0, 2.0, None]),
    }), max_size=2)  # fmt: skip
    batches = examples(st.tuples(files, prices), 4, number + 1)
    return Plan(declarations, suites, batches)


class Generated:
    """A pipeline of generated queries, played update by update and compared with its queries run from scratch.

    Args:
        lakehouse: The home to play in.
        folder: Where its module and settings are written.
        plan: The pipeline.
        dice: Decides what is large, and what is killed.
    """

    def __init__(self, lakehouse: TestLakehouse, folder: Path, plan: Plan, dice: random.Random) -> None:
        self._plan = plan
        self._dice = dice
        (folder / "suites").mkdir()
        for suite in set(plan.suites.values()):
            write_suite(folder / "suites", suite, _SUITES[suite])
        (folder / "generated.py").write_text(plan.source(), encoding="utf-8")
        (folder / "generated.yml").write_text(SETTINGS, encoding="utf-8")
        self._home = replace(lakehouse, settings_file=folder / "generated.yml")
        for table in ("places", "prices", "events"):
            self._home.land("0.json", _PLACES if table == "places" else [], folder=table)
        self.kept: Counter[str] = Counter()
        self.kills = 0

    def play(self) -> list[str]:
        """Land each batch, update, and return how tables differ from their queries; nothing if they never do."""
        killed = self._dice.randrange(2 * len(self._plan.batches))
        for number, (files, prices) in enumerate(self._plan.batches, 1):
            for part, rows in enumerate(files):
                self._home.land(f"{number}-{part}.json", list(rows), folder="events")
            if prices:
                self._home.land(f"{number}.json", list(prices), folder="prices")
            if number == killed:
                self._kill()
            self._home.limits = self._dice.choice([DEFAULT_LIMITS, Limits(few_rows=0, driver_bytes=0)])
            found = self._update(number)
            if found:
                return found
        return []

    def _update(self, number: int) -> list[str]:
        result = self._home.update()
        if result.state != "COMPLETED":
            return [f"update {number}, {name}: {error}" for name, error in result.errors.items()]
        settings = load_settings(self._home.settings_file)
        lakehouse = open_lakehouse(self._home.spark, self._home.home, settings, self._home.clock)
        declared = [lakehouse.views.get(name) or lakehouse.streams[name] for name in self._plan.declarations]
        self.kept = Counter(keeping.way for keeping in declared)
        found = []
        for name, kept in zip(self._plan.declarations, declared, strict=True):
            for stored, missing, extra in _differences(lakehouse, name, self._plan.suites.get(name)):
                found.append(
                    f"update {number}, {self._home.limits}: {stored} ({kept})\n{self._plan.declarations[name]}\n"
                    f"missing {missing}\nextra {extra}"
                )
        return found

    def _kill(self) -> None:
        """Run an update in a process of its own that is killed at some commit or merge."""
        point = self._dice.choice(["committed", "committed", "merge", "before-quarantine"])
        point = f"{point}:{self._dice.randint(1, 3 if point == 'before-quarantine' else 12)}"
        command = [sys.executable, "-m", "pipeline", "run", "--home", str(self._home.home.root)]
        command += ["--pipeline", str(self._home.settings_file)]
        ended = subprocess.run(
            command, cwd=CHECKOUT, env={**os.environ, VARIABLE: point}, capture_output=True, check=False
        )
        self.kills += ended.returncode < 0


class _Whole(Reader):
    """Gives a query every row of the tables that it reads."""

    def __init__(self, lakehouse: Lakehouse) -> None:
        self._lakehouse = lakehouse

    def files(self, source: FilesSource) -> DataFrame:
        raise NotImplementedError(source)

    def quarantine(self, name: str) -> DataFrame:
        raise NotImplementedError(name)

    def snapshot(self, name: str) -> DataFrame:
        return self._lakehouse.spark.read.format("delta").load(str(self._lakehouse.places(name).data))

    stream = snapshot


def _differences(lakehouse: Lakehouse, name: str, suite: str | None) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield, for a table and its quarantine, the rows of its query that it lacks and those that it has besides.

    Only those that differ are yielded. Rows are texts.
    """
    reader = _Whole(lakehouse)
    with reading(reader):
        made = lakehouse.dataset(name).query()
    is_rejected = F.coalesce(F.expr(REJECTED[suite]) if suite else F.lit(0) > 0, F.lit(0) > 0)
    expected = {name: made.where(~is_rejected)}
    if suite:
        # A quarantine holds the source's rows where these go through the query one by one.
        is_by_batch = lakehouse.streams[name].way == "by batch"
        rejected = made.where(is_rejected)
        expected[f"{name}_out"] = rejected.select("record_id") if is_by_batch else rejected
    for stored, rows in expected.items():
        columns = [f"`{column}`" for column in rows.columns]
        wanted, held = (_texts(one.select(*columns)) for one in (rows, reader.snapshot(stored)))
        if wanted != held:
            yield stored, sorted((wanted - held).elements()), sorted((held - wanted).elements())


def _texts(rows: DataFrame) -> Counter[str]:
    return Counter(json.dumps(row.asDict(recursive=True), default=str) for row in rows.collect())
