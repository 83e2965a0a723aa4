"""`dry-run`: everything that can be checked without writing a row."""

from __future__ import annotations

import tempfile
from pathlib import Path

from pipeline.commands.output import print_json, print_table
from pipeline.commands.target import DEFAULT_PIPELINE, HomeOption, JsonOption, PipelineOption, Target
from pipeline.foundation.clock import SystemClock
from pipeline.foundation.shown import say
from pipeline.home.places import Home


def dry_run(home: HomeOption = None, pipeline: PipelineOption = DEFAULT_PIPELINE, as_json: JsonOption = False) -> None:
    """Check settings, declarations, inputs, columns and suites. An error names its file and line."""
    target = Target.find(home, pipeline)
    from pipeline.flows.dry_run import facts_of  # noqa: PLC0415 - imports Spark
    from pipeline.flows.open import open_lakehouse  # noqa: PLC0415 - as above
    from pipeline.spark.session import build_session  # noqa: PLC0415 - as above

    with tempfile.TemporaryDirectory(prefix="lakehouse-dry-run-") as scratch:
        spark = build_session(Home(Path(scratch)), target.settings.spark.on_this_machine())
        lakehouse = open_lakehouse(spark, target.home, target.settings, SystemClock(), needs_data=False)
        found = facts_of(lakehouse)
        spark.stop()
    if as_json:
        print_json(found)
        return
    print_table(
        f"{target.settings.name} is ready to run",
        ("table", "kind", "reads", "row expectations", "table expectations"),
        (
            [one["name"], one["kind"].replace("_", " ")]
            + [", ".join(one[key]) for key in ("reads", "rules", "table_expectations")]
            for one in found
        ),
    )
    print_table(
        "How each table is kept equal to its query",
        ("table", "kept", "because"),
        ([one[key] for key in ("name", "kept", "kept_because")] for one in found),
        unbroken=("kept",),
    )
    for note in lakehouse.loaded.notes if lakehouse.loaded else ():
        say(note)
    say("Nothing was written.")
