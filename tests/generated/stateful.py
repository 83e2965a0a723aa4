"""Streaming tables with state, and with several flows, made up at random."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from tests.generated.queries import AGGREGATES, HAVING, JOINS, KEYS, Query, output_of, rows, window

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

# For each suite, which rows it rejects.
REJECTED = {"values": "value > 4", "groups": "n > 2"}

# Further than all moments are apart: nothing is ever late, so that the result is that of the query from scratch.
_WATERMARK = '.withWatermark("at", "600000 hours")'
# Streams have no count_distinct.
_AGGREGATES = sorted(set(AGGREGATES) - {"kinds"})

_DUPLICATES = (
    '.dropDuplicates(["device", "value"]).select("device", "value")',
    '.select("place", "value").distinct()',
    f'{_WATERMARK}.dropDuplicates(["device", "value", "at"]).select("device", "value", "at")',
    '.select("device", "value").unionByName(read_stream("prices").select("device", F.col("price").alias("value"))).distinct()',
)
_JOINS_OF_STREAMS = (
    '{source}.join(read_stream("prices").select("device", "price"), "device").select("device", "value", "price")',
    '{source}.select("device", "value").join({source}.select("device", F.col("value").alias("other")).distinct(), "device")',
)
_FLOWS = (
    ('.select("device", "value")', 'read_stream("prices").select("device", F.col("price").alias("value"))'),
    ('.select("device", "value", "tags")', 'read_stream("events").where("value > 3").select("value", "tags")'),
)  # fmt: skip


@st.composite
def _groups(draw: DrawFn) -> Query:
    """Return a grouping that Spark keeps a state for: replaced whole, or group by group with a watermark."""
    has_watermark = draw(st.booleans())
    source = draw(rows(joins=JOINS))
    if has_watermark:
        source = source.replace("{source}", "{source}" + _WATERMARK)
    keys = draw(st.lists(st.sampled_from(KEYS), max_size=2, unique=True))
    groups, outputs = list(keys), list(map(output_of, keys))
    if not keys or draw(st.booleans()):
        groups.append(draw(window("at").filter(lambda one: "session" not in one)))
        outputs.append(draw(st.sampled_from(['"w.start"', 'F.col("w.start").alias("since")', '"w"'])))
    values = draw(st.lists(st.sampled_from(_AGGREGATES), min_size=1, max_size=3, unique=True))
    aggregates = ", ".join(f'{AGGREGATES[name]}.alias("{name}")' for name in values).replace("{time}", "at")
    # With a watermark a group that is filtered appears once the watermark has passed it, which none ever does here.
    having = f".where({draw(st.sampled_from(HAVING[values[0]]))})" if not has_watermark and draw(st.booleans()) else ""
    columns = ", ".join([*outputs, *(f'"{name}"' for name in values)])
    body = f"{source}.groupBy({', '.join(groups)}).agg({aggregates}){having}.select({columns})"
    return Query("table", body, suite="groups" if "n" in values and draw(st.booleans()) else "")


def stateful_queries() -> SearchStrategy[Query]:
    """Return the strategy of streaming tables that are not kept batch by batch."""
    suites = st.sampled_from(["values", ""])
    duplicates = st.builds(
        lambda step, suite: Query("table", "{source}" + step, suite=suite), st.sampled_from(_DUPLICATES), suites
    )
    joins = st.builds(lambda body, suite: Query("table", body, suite=suite), st.sampled_from(_JOINS_OF_STREAMS), suites)
    flows = st.builds(
        lambda flow, suite: Query("table", "{source}" + flow[0], suite=suite, more=flow[1]),
        st.sampled_from(_FLOWS), suites,
    )  # fmt: skip
    kinds = [_groups(), _groups(), _groups(), duplicates, joins, flows]
    return st.sampled_from(kinds).flatmap(lambda strategy: strategy)
