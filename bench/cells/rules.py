"""What expectations cost: the same two tables without rules, and with more and more of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bench.lake import warm
from bench.result import Result
from bench.stopwatch import alternating

if TYPE_CHECKING:
    from pathlib import Path

    from bench.size import Size

TARGETS = {5: 1.1, 20: 1.2, 50: 1.4}
_TABLES = '''"""Bronze and a table of judged readings."""

from pyspark.sql import DataFrame

from pipeline import read_files, read_stream, table


@table(comment="Readings as they landed")
def landed() -> DataFrame:
    return read_files("sensor_readings", format="json", schema_hints="{hints}")


@table(comment="Readings judged"{expectations})
def judged() -> DataFrame:
    return read_stream("landed")
'''
_HINTS = "device_id STRING, timestamp STRING, temperature_celsius DOUBLE, vibration_hz DOUBLE, location STRING"
_COLUMNS = ("temperature_celsius", "vibration_hz")


def of_many_rules(size: Size, scratch: Path) -> list[Result]:
    """Measure an update whose rows are judged by 5, 20 and 50 rules against one without any."""
    with warm(scratch, size) as bench:
        files = bench.stock.of(size.rules_readings)
        settings = {count: _pipeline(scratch / "rules" / str(count), count) for count in (0, *TARGETS)}
        for file in settings.values():
            for _ in range(size.warm_ups):
                # Compile the suite once for all runs.
                bench.timed_update(bench.home("compiled"), bench.stock.of(2_000, files=2), file)
        taken = alternating(
            size.runs(size.rules_readings),
            *(
                lambda _, count=count, file=file: bench.timed_update(bench.home(f"rules-{count}"), files, file)
                for count, file in settings.items()
            ),
        )
    none, *some = taken
    return [
        Result.of(f"expectations_{count}", ours, rival="none", theirs=none, target=target)
        for (count, target), ours in zip(TARGETS.items(), some, strict=True)
    ]


def _pipeline(folder: Path, rules: int) -> Path:
    """Write a pipeline whose second table has this many rules, and return its settings file."""
    (folder / "expectations").mkdir(parents=True, exist_ok=True)
    expectations = ', expectations="judged"' if rules else ""
    source = _TABLES.format(hints=_HINTS, expectations=expectations)
    (folder / "tables.py").write_text(source, encoding="utf-8")
    if rules:
        suite = {"name": "judged", "expectations": [_rule(number) for number in range(rules)], "meta": {}}
        (folder / "expectations" / "judged.json").write_text(json.dumps(suite), encoding="utf-8")
    settings = folder / "bench.yml"
    settings.write_text("name: Bench\nschema: bench\nsource: tables.py\nexpectations: expectations\n", encoding="utf-8")
    return settings


def _rule(number: int) -> dict[str, object]:
    """Return a rule like the demo's: a range that a few readings exceed, or a value that a few lack."""
    meta = {"name": f"rule_{number}", "action": "warn", "why": "to measure"}
    if number % 3 == 0:
        return {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "device_id"}, "meta": meta}
    column = _COLUMNS[number % 2]
    bounds = {"column": column, "min_value": 0.0, "max_value": 40.0 + number / 10}
    return {"type": "expect_column_values_to_be_between", "kwargs": bounds, "meta": meta}
