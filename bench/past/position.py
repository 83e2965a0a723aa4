"""How far the flow of a grown home has read: its checkpoint and the lists of its batches."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bench.past.past import TABLE, moment_of
from pipeline.checkpoint.position import Position

if TYPE_CHECKING:
    from pathlib import Path

    from bench.past.template import Template

# What Spark and discovery keep of what is done.
_KEPT = 100
_COMPACTED_EVERY = 10


def write_position(template: Template, schema: str) -> None:
    """Write the checkpoint of a flow whose batches are all done, one for each update."""
    past = template.past
    checkpoint = Position(template.home.table(schema, TABLE).checkpoints).checkpoint()
    plan = (checkpoint / "offsets" / str(template.update)).read_text(encoding="utf-8")
    commit = (checkpoint / "commits" / str(template.update)).read_text(encoding="utf-8")
    oldest = max(0, past.updates - _KEPT - 1)
    for batch in range(max(template.update + 1, oldest), past.updates):
        lines = plan.splitlines()
        lines[-1] = json.dumps({"logOffset": batch}, separators=(",", ":"))
        (checkpoint / "offsets" / str(batch)).write_text("\n".join(lines), encoding="utf-8")
        (checkpoint / "commits" / str(batch)).write_text(commit, encoding="utf-8")
        paths = [template.path(number) for number in past.numbers_of(batch)]
        found = {"discovered_at": moment_of(batch).isoformat(), "paths": paths}
        (checkpoint / "discovered" / f"{batch:010}.json").write_text(json.dumps(found), encoding="utf-8")
    for kind, name in (("offsets", "{}"), ("commits", "{}"), ("discovered", "{:010}.json")):
        for batch in range(min(oldest, template.update + 1)):
            (checkpoint / kind / name.format(batch)).unlink(missing_ok=True)
    _write_entries(checkpoint, template)


def _write_entries(checkpoint: Path, template: Template) -> None:
    """Write the log of the file source: one entry for each list, older ones joined in one file."""
    updates, folder = template.past.updates, checkpoint / "sources" / "0"
    compacted = updates // _COMPACTED_EVERY * _COMPACTED_EVERY - 1
    entries = [json.dumps(_entry(checkpoint, batch), separators=(",", ":")) for batch in range(updates)]
    for batch in range(max(template.update, compacted) + 1, updates):
        (folder / str(batch)).write_text(f"v1\n{entries[batch]}", encoding="utf-8")
    if compacted > template.update:
        lines = "\n".join(entries[: compacted + 1])
        (folder / f"{compacted}.compact").write_text(f"v1\n{lines}", encoding="utf-8")


def _entry(checkpoint: Path, batch: int) -> dict[str, Any]:
    path = f"{(checkpoint / 'discovered').as_uri()}/{batch:010}.json"
    return {"path": path, "timestamp": int(moment_of(batch).timestamp() * 1000), "batchId": batch}
