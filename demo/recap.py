"""Act 5: what happened, from the event log and the tables alone."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from rich.table import Table

from demo.stage import BRONZE, TABLES
from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from demo.stage import Stage


def act5(stage: Stage) -> None:
    """Recap, with figures from the event log."""
    stage.headline("Act 5 · Recap")
    stage.say("The event log has counted every row that was written. You should see its sums agree with the tables.")
    with stage.still():
        events = stage.events()
        rows = {table: stage.rows(table) for table in TABLES}
    if not events:
        problem = "There is nothing to recap: the event log is empty."
        raise AuthorError(problem, "Run `make act1` and `make act2` first.")
    written: Counter[str] = Counter()
    failed: Counter[tuple[str, str, str]] = Counter()
    states: Counter[str] = Counter()
    for event in events:
        details = json.loads(event["details"])[event["event_type"]]
        if event["event_type"] == "update_progress":
            states[details["state"]] += 1
        if event["event_type"] != "flow_progress":
            continue
        metrics = details.get("metrics", {})
        dataset = event["origin"]["dataset_name"]
        written[dataset] += metrics.get("num_output_rows", 0) - metrics.get("num_deleted_rows", 0)
        for rule in details.get("data_quality", {}).get("expectations", ()):
            failed[(dataset, rule["name"], rule["action"])] += rule["failed_records"]
    stage.say(
        f"{states['COMPLETED']} updates completed, {states['FAILED']} failed; "
        f"{len(stage.files())} files, {len(stage.waiting())} of them waiting."
    )
    stage.console.print(_tables(rows, written))
    stage.console.print(_rules(failed))
    for table in TABLES:
        stage.check(written[table] == rows[table], f"the event log's sum and {table} agree")
    later = [name for name in stage.columns(BRONZE) if name == "humidity_percent"]
    if later:
        stage.say("Bronze has gained the column humidity_percent without a restart.")


def _tables(rows: dict[str, int], written: Counter[str]) -> Table:
    table = Table(title="Rows in the event log and in the tables", title_justify="left", header_style="bold")
    for heading in ("table", "event log", "rows in the table"):
        table.add_column(heading, justify="left" if heading == "table" else "right")
    for name in TABLES:
        table.add_row(name, f"{written[name]:,}", f"{rows[name]:,}")
    return table


def _rules(failed: Counter[tuple[str, str, str]]) -> Table:
    table = Table(title="Expectations over all updates", title_justify="left", header_style="bold")
    for heading in ("table", "expectation", "action", "failed"):
        table.add_column(heading, justify="right" if heading == "failed" else "left")
    for (dataset, rule, action), count in failed.items():
        table.add_row(dataset, rule, action, f"{count:,}")
    return table
