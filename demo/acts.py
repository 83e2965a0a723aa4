"""The acts: each says what happens, does it, and checks its own point."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from demo.stage import BRONZE, GOLD, QUARANTINE, SILVER
from pipeline.table_progress import counted_files

if TYPE_CHECKING:
    from datetime import datetime

    from demo.stage import Stage

# The first acts land readings of six hours ago, so that what is hot in them does not set off the alert.
CALM_TIME_AGO = timedelta(hours=6)


def act1(stage: Stage) -> None:
    """Generate: sensor readings land as JSON files."""
    stage.headline("Act 1 · Sensor readings land")
    stage.say("Fifteen machines on two floors send temperature and vibration: JSON files appear in the landing zone.")
    before = len(stage.files())
    landed = stage.plant.batch(at=_then(stage))
    stage.say(f"Landed {len(landed.files)} files in {landed.files[0].parent}; the first begins with")
    stage.say(f"  [dim]{landed.files[0].read_text(encoding='utf-8')[:150].replace('[', chr(92) + '[')} …[/]")
    stage.say("You should see files waiting: no update has read them yet.  (python -m pipeline files)")
    stage.check(len(stage.files()) == before + len(landed.files), f"{len(landed.files)} new files have landed")
    names = {str(path) for path in landed.files}
    stage.check(names <= {file.path for file in stage.waiting()}, "all of them wait for an update")


def act2(stage: Stage) -> None:
    """Happy path: one update from landing files to gold."""
    stage.headline("Act 2 · One update, from landing files to gold")
    if not stage.waiting():
        stage.say("Nothing waits in the landing zone, so a new batch lands first.")
        stage.plant.batch(at=_then(stage))
    waiting = len(stage.waiting())
    stage.say("Bronze takes every record as it is, silver what is valid, quarantine the rest with reasons, gold the")
    stage.say("hourly figures. You should see each table's counts, and what each expectation passed and failed.")
    summary = stage.update()
    bronze = summary.tables[BRONZE]
    stage.check(counted_files(waiting) in bronze.notes, f"bronze read the {counted_files(waiting)} that waited")
    _check_conservation(stage)
    stage.say("Run the same update again: nothing is new, nothing is read.  (make run)")


def act3(stage: Stage) -> None:
    """Fault tolerance: only new files, late data, a schema change."""
    stage.headline("Act 3 · New files, late data, a schema change")
    if stage.waiting() or not stage.rows(BRONZE):
        stage.say("First an update brings the tables up to date.")
        if not stage.rows(BRONZE):
            stage.plant.batch(at=_then(stage))
        stage.update()
    _only_new_files(stage)
    _late_data(stage)
    _schema_change(stage)
    _check_conservation(stage)


def _only_new_files(stage: Stage) -> None:
    known = len(stage.files())
    landed = stage.plant.batch(files=2, at=_then(stage))
    stage.say(f"\n[bold]Only new files.[/] {known} files are read already; {len(landed.files)} more land.")
    summary = stage.update()
    read = counted_files(len(landed.files))
    stage.check(read in summary.tables[BRONZE].notes, f"{read} were read")
    stage.check(summary.tables[BRONZE].rows_written == landed.readings, f"{landed.readings} rows were added, no more")


def _late_data(stage: Stage) -> None:
    stage.say("\n[bold]Late data.[/] Readings arrive hours and days after they were taken.")
    before = _readings_by_hour(stage)
    landed = stage.plant.late(records=50, at=_then(stage))
    summary = stage.update()
    after = _readings_by_hour(stage)
    corrected = sum(1 for hour, count in after.items() if count != before.get(hour, 0))
    stage.say(
        f"{landed.readings} late readings corrected {corrected} hours, the oldest {min(after):%Y-%m-%d %H:%M} UTC."
    )
    added = sum(after.values()) - sum(before.values())
    stage.check(added == summary.tables[SILVER].rows_written, "each late reading is counted in its own hour")
    stage.check(
        all(after[hour] >= count for hour, count in before.items()),
        "no hour has lost a reading by the correction",
    )


def _schema_change(stage: Stage) -> None:
    evolved = "humidity_percent" in stage.columns(BRONZE)
    stage.say("\n[bold]A schema change.[/] A sensor's new firmware sends humidity_percent, and times with an offset.")
    if evolved:
        stage.say("Bronze has the column from an earlier run; new values go straight into it.")
    landed = stage.plant.schema_change(at=_then(stage))
    summary = stage.update()
    failed = [table.name for table in summary.tables.values() if table.status == "FAILED"]
    stage.check(not failed, "no flow has failed, none was restarted")
    stage.check("humidity_percent" in stage.columns(BRONZE), "humidity_percent is a column of bronze")
    stage.check("humidity_percent" in stage.columns(SILVER), "and of silver, in the same update")
    rows = stage.frame(BRONZE, ["source_file", "humidity_percent"])
    ours = rows.filter(pc.is_in(rows["source_file"], _texts([str(path) for path in landed.files])))
    stage.check(
        ours["humidity_percent"].null_count == 0 and ours.num_rows == landed.readings,
        f"all {landed.readings} new readings have their humidity",
    )


def _check_conservation(stage: Stage) -> None:
    bronze, silver, quarantine = (stage.rows(table) for table in (BRONZE, SILVER, QUARANTINE))
    stage.check(
        silver + quarantine == bronze,
        f"silver {silver:,} + quarantine {quarantine:,} = bronze {bronze:,}: none lost",
    )
    counted = pc.sum(stage.frame(GOLD, ["reading_count"])["reading_count"]).as_py() or 0
    stage.check(counted == silver, f"gold counts {counted:,} readings, as many as silver has")


def _readings_by_hour(stage: Stage) -> dict[datetime, int]:
    rows = stage.frame(GOLD, ["window_start", "reading_count"])
    hours = rows.group_by("window_start").aggregate([("reading_count", "sum")]).to_pylist()
    return {row["window_start"]: row["reading_count_sum"] for row in hours}


def _texts(values: list[str]) -> object:
    return pa.array(values, pa.string())


def _then(stage: Stage) -> datetime:
    return stage.clock.now() - CALM_TIME_AGO
