"""`validate`: the table expectations of every table, evaluated now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.commands.ending import exit_unless_completed, print_errors, run_until_signal
from pipeline.commands.output import count_of, print_json, print_table
from pipeline.commands.target import DEFAULT_PIPELINE, HomeOption, JsonOption, PipelineOption, Target
from pipeline.selection import Selection

if TYPE_CHECKING:
    from pipeline.events.event import Event

_VERDICTS = {(1, 0): "passed", (0, 1): "FAILED"}


def validate(home: HomeOption = None, pipeline: PipelineOption = DEFAULT_PIPELINE, as_json: JsonOption = False) -> None:
    """Evaluate every table's table expectations with Great Expectations, without refreshing anything."""
    update = Target.find(home, pipeline).update()
    verdicts: list[dict[str, Any]] = []
    update.log.listen(lambda event: verdicts.extend(_verdicts(event)))
    result = run_until_signal(update, Selection(validate=True))
    if as_json:
        print_json({"update_id": result.update_id, "state": result.state, "expectations": verdicts})
    else:
        keys = ("table", "name", "action", "verdict", "observed")
        title = count_of(len(verdicts), "table expectation")
        headings = ("table", "expectation", "action", "verdict", "observed")
        print_table(title, headings, ([_text(verdict[key]) for key in keys] for verdict in verdicts))
    print_errors(result)
    exit_unless_completed(result)


def _verdicts(event: Event) -> list[dict[str, Any]]:
    items = event.details.get("data_quality", {}).get("expectations", ())
    return [
        {
            "table": item["dataset"],
            "name": item["name"],
            "action": item["action"],
            "verdict": _VERDICTS.get((item["passed_records"], item["failed_records"]), "unknown"),
            "observed": item["problem"] or item["observed_value"],
        }
        for item in items
        if item.get("scope") == "table"
    ]


def _text(value: object) -> str:
    return "" if value is None else str(value)
