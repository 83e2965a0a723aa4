"""Queries made up at random: source code of declarations over events, places and prices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hypothesis import strategies as st

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

HEAD = """
from pyspark.sql import Window
from pyspark.sql import functions as F
from pipeline import append_flow, materialized_view, read, read_files, read_quarantine, read_stream, table


@table
def events():
    hints = "device STRING, place STRING, at STRING, value DOUBLE, tags STRING"
    return read_files("events", schema_hints=hints).withColumn("at", F.to_timestamp("at"))


@table
def places():
    return read_files("places", schema_hints="place STRING, region STRING, weight DOUBLE")


@table
def prices():
    return read_files("prices", schema_hints="device STRING, price DOUBLE")
"""

_FILTERS = (
    '.where("value > 2")', '.where("value IS NOT NULL AND value <> 5")', '.where("device IS NULL OR device <> \'d1\'")',
    '.where(F.col("{time}") >= F.expr("TIMESTAMP \'2026-03-28 23:00:00\'"))', '.where("place LIKE \'%a%\'")',
)  # fmt: skip
_PROJECTIONS = (
    '.withColumn("value", F.col("value") * 2)', '.withColumn("device", F.upper("device"))',
    '.withColumn("place", F.when(F.col("value") > 3, F.col("place")))',
    '.withColumn("place", F.concat_ws("/", "place", "device"))',
    '.withColumn("{time}", F.col("{time}") + F.expr("INTERVAL 90 MINUTES"))',
    '.withColumn("{time}", F.from_utc_timestamp("{time}", "Asia/Kolkata"))',
    '.withColumn("device", F.coalesce("device", F.lit("none")))',
)  # fmt: skip
_EXPLODES = (
    '.withColumn("tags", F.explode(F.split("tags", ",")))', '.withColumn("tags", F.explode_outer(F.split("tags", ",")))',
    '.withColumn("value", F.explode(F.array("value", F.lit(1.0))))',
)  # fmt: skip
JOINS = tuple(
    f'.join(read("places"){columns}, "place", "{how}")'
    for how, columns in (
        ("left", ""), ("inner", '.select("place", "weight")'), ("left_semi", ""), ("left_anti", ""),
        ("left", '.groupBy("place").agg(F.max("weight").alias("heaviest"))'),
    )
)  # fmt: skip
_CHANGING_JOINS = (
    '.join(read("prices").groupBy("device").agg(F.max("price").alias("price")), "device", "left")',
    '.join(read("prices"), "device", "left_semi")',
    '.where("value >= 1").join(read("prices").select("device").distinct(), "device", "left_anti")',
)
KEYS = ('"device"', '"place"', 'F.upper("device").alias("loud")', 'F.col("place").alias("where")', '"tags"')
_NAMES = {'"device"': "device", '"place"': "place", '"tags"': "tags"}
_WIDTHS = ("1 hour", "30 minutes", "8 hours", "1 day", "100 minutes")
_ZONES = ("Europe/Berlin", "America/St_Johns", "Asia/Kolkata")
AGGREGATES = {
    "n": 'F.count("*")', "total": 'F.sum("value")', "top": 'F.max("value")', "low": 'F.min("value")',
    "mean": 'F.avg("value")', "kinds": 'F.count_distinct("place")', "newest": 'F.max_by("value", F.struct("{time}", "value"))',
}  # fmt: skip
HAVING = {
    "n": ('"n > 1"', '"n < 3"', '"n % 2 = 0"'), "total": ('"total > 6"', '"total < 4 OR total IS NULL"'),
    "top": ('"top >= 4"',), "mean": ('"mean BETWEEN 2 AND 5"',), "low": ('"low > 1"',),
    "kinds": ('"kinds = 1"',), "newest": ('"newest > 2"',),
}  # fmt: skip


@dataclass(frozen=True)
class Query:
    """A declared table.

    Attributes:
        kind: The decorator's name.
        body: The expression that it returns; `{source}` is the table that it reads.
        reads: Which kind of table that is: with `events` that one, with `rows` also a table made from its rows.
        suite: The suite that judges the rows, if any; a quarantine takes those that it rejects.
        more: The expression of one more flow into the table, or nothing.
        is_read_on: Whether other tables may read it as a stream of rows like those of `events`.
    """

    kind: Literal["table", "materialized_view"]
    body: str
    reads: Literal["events", "rows", "anything"] = "rows"
    suite: str = ""
    more: str = ""
    is_read_on: bool = False

    def declaration(self, name: str, source: str) -> str:
        """Return the declaration's source code."""
        read = "read_stream" if self.kind == "table" else "read"
        options = f'(expectations="{self.suite}", quarantine="{name}_out")' if self.suite else ""
        code = _function(f"{self.kind}{options}", name, self.body.replace("{source}", f'{read}("{source}")'))
        if self.suite:
            code += _function("table", f"{name}_out", f'read_quarantine("{name}")')
        return code + (_function(f'append_flow(target="{name}")', f"{name}_more", self.more) if self.more else "")


def _function(decorator: str, name: str, body: str) -> str:
    return f"\n\n@{decorator}\ndef {name}():\n    return {body}\n"


@st.composite
def rows(draw: DrawFn, *, joins: tuple[str, ...], time: str = "at") -> str:
    """Return an expression of rows with the columns of `events`, the time under another name perhaps."""
    steps = ['.withColumnRenamed("at", "moment")'] if time != "at" else []
    choices = (_FILTERS, _FILTERS, _PROJECTIONS, _PROJECTIONS, _EXPLODES, joins)
    for kind in draw(st.lists(st.integers(0, 5), max_size=3)):
        # A second join would bring the same columns again.
        if kind < 5 or not any(step in joins for step in steps):
            steps.append(draw(st.sampled_from(choices[kind])))
    return "{source}" + "".join(steps).replace("{time}", time)


@st.composite
def window(draw: DrawFn, time: str) -> str:
    """Return the window that a grouping has, as code; most are tumbling."""
    width = draw(st.sampled_from(_WIDTHS))
    moment = f'"{time}"'
    if draw(st.integers(0, 3)) == 0:
        moment = f'F.from_utc_timestamp("{time}", "{draw(st.sampled_from(_ZONES))}")'
    start = draw(st.sampled_from(["None", "None", '"15 minutes"', '"6 hours"', '"-20 minutes"']))
    if width in {"1 hour", "30 minutes"} and "hours" in start:
        start = "None"
    kind = draw(st.sampled_from(["tumbling"] * 7 + ["sliding", "session", "truncated"]))
    if kind == "sliding":
        return f'F.window({moment}, "1 hour", "20 minutes").alias("w")'
    if kind == "session":
        return f'F.session_window({moment}, "40 minutes").alias("w")'
    if kind == "truncated":
        return f'F.struct(F.date_trunc("hour", {moment}).alias("start"), F.date_trunc("day", {moment}).alias("end")).alias("w")'
    return f'F.window({moment}, "{width}", None, {start}).alias("w")'


@st.composite
def _grouped(draw: DrawFn) -> str:
    """Return a grouping by keys and perhaps a window, filtered perhaps, with columns under various names."""
    time = draw(st.sampled_from(["at", "at", "moment"]))
    joins = (*JOINS, *_CHANGING_JOINS)
    is_plain = draw(st.integers(0, 3)) > 0
    source = draw(_plain_rows(time)) if is_plain else draw(rows(joins=joins, time=time))
    keys = draw(st.lists(st.sampled_from(KEYS), max_size=2, unique=True))
    has_window = draw(st.integers(0, 5)) > 0
    groups = [*keys, *([draw(window(time))] if has_window else [])]
    values = draw(st.lists(st.sampled_from(sorted(AGGREGATES)), min_size=1, max_size=3, unique=True))
    aggregates = ", ".join(f'{AGGREGATES[name]}.alias("{name}")' for name in values).replace("{time}", time)
    having = draw(st.sampled_from(HAVING[values[0]])) if draw(st.booleans()) else ""
    outputs = list(map(output_of, keys))
    if has_window:
        parts = (
            '"w.start"',
            'F.col("w.start").alias("window_start")',
            'F.col("w.end").alias("till")',
            '"w"',
            '"w.start", "w.end"',
        )
        outputs.append(draw(st.sampled_from(parts)))
    outputs += [f'"{name}"' for name in values]
    having = f".where({having})" if having else ""
    return f"{source}.groupBy({', '.join(groups)}).agg({aggregates}){having}.select({', '.join(outputs)})"


def output_of(key: str) -> str:
    """Return the code of the column that a grouping's key becomes."""
    return f'"{_NAMES.get(key) or key.split(chr(34))[-2]}"'


@st.composite
def _plain_rows(draw: DrawFn, time: str) -> str:
    """Return filtered and projected rows: most groupings over these can be kept by touched keys."""
    steps = draw(st.lists(st.sampled_from((*_FILTERS, *_PROJECTIONS[:4])), max_size=2))
    renamed = '.withColumnRenamed("at", "moment")' if time != "at" else ""
    return ("{source}" + renamed + "".join(steps)).replace("{time}", time)


_OTHER_VIEWS = (
    '{source}.select("device", "place").distinct()',
    '{source}.select("device", "value").dropDuplicates()',
    '{source}.select("device", "value", F.rank().over(Window.partitionBy("device").orderBy("value")).alias("rank"))',
    '{source}.select("device", "value").unionAll(read("prices").select("device", F.col("price").alias("value")))',
    '{source}.select("device").exceptAll(read("prices").select("device"))',
    '{source}.orderBy("value", "device", "at", "record_id").limit(3).select("device", "value")',
    '{source}.groupBy("device").pivot("place", ["a", "b"]).agg(F.sum("value"))',
    '{source}.rollup("device", "place").agg(F.count("*").alias("n"))',
    '{source}.groupBy("device", F.window("at", "1 hour")).count().select("device", "window.start")',
    '{source}.groupBy("device", "place").agg(F.max("value").alias("top"), F.min("at").alias("first"))',
    '{source}.groupBy("device").agg(F.max(F.struct("at", "value", "place")).alias("newest")).select("newest.*", "device")',
)
_OVER_VIEWS = (
    '{source}.agg(F.count("*").alias("rows"))', "{source}.distinct()",
    '{source}.select(F.lit("one").alias("of")).groupBy("of").count()',
)  # fmt: skip


def queries() -> SearchStrategy[Query]:
    """Return the strategy of queries by batch: mostly groupings, some streaming tables, some of everything else."""
    grouped = _grouped().map(lambda body: Query("materialized_view", body))
    tables = rows(joins=JOINS).map(lambda body: Query("table", body, is_read_on=True))
    judged = rows(joins=JOINS).map(lambda body: Query("table", body, "events", "values"))
    others = st.sampled_from(_OTHER_VIEWS).map(lambda body: Query("materialized_view", body))
    over_views = st.sampled_from(_OVER_VIEWS).map(lambda body: Query("materialized_view", body, "anything"))
    kinds = [grouped] * 6 + [tables] * 2 + [judged, others, over_views]
    return st.sampled_from(kinds).flatmap(lambda strategy: strategy)
