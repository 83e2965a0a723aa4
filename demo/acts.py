"""The acts: each says what happens, does it, and checks its own point."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
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
    landed = stage.plant.batch(at=_then(stage))
    stage.say(f"Landed {len(landed.files)} files in {landed.files[0].parent}; the first begins with")
    stage.say(f"  [dim]{landed.files[0].read_text(encoding='utf-8')[:150].replace('[', chr(92) + '[')} …[/]")
    known = {file.path: file.state for file in stage.files()}
    states = [known.get(str(path)) for path in landed.files]
    stage.check(all(states), f"{len(landed.files)} new files have landed")
    if stage.updates_on_arrival:
        stage.say("You should see them read within seconds: an update starts when files have come.")
        return
    stage.say("You should see files waiting: no update has read them yet.  (python -m pipeline files)")
    stage.check(set(states) == {"waiting"}, "all of them wait for an update")


def act2(stage: Stage) -> None:
    """Happy path: one update from landing files to gold."""
    stage.headline("Act 2 · One update, from landing files to gold")
    files = [Path(file.path) for file in stage.waiting()]
    if not files:
        stage.say("Nothing waits in the landing zone, so a new batch lands first.")
        files = list(stage.plant.batch(at=_then(stage)).files)
    stage.say("Bronze takes every record as it is, silver what is valid, quarantine the rest with reasons, gold the")
    stage.say("hourly figures. You should see each table's counts, and what each expectation passed and failed.")
    stage.update(files)
    read = len(stage.read(files))
    stage.check(read == len(files), f"bronze read the {counted_files(read)} that waited")
    _check_conservation(stage)
    if not stage.updates_on_arrival:
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
    before = stage.rows_by_file()
    landed = stage.plant.batch(files=2, at=_then(stage))
    stage.say(f"\n[bold]Only new files.[/] {len(before)} files are read already; {len(landed.files)} more land.")
    stage.update(landed.files)
    after = stage.rows_by_file()
    read = counted_files(len(stage.read(landed.files)))
    stage.check(read == counted_files(len(landed.files)), f"{read} were read")
    added = sum(after.get(str(path), 0) for path in landed.files)
    stage.check(added == landed.readings, f"{landed.readings} rows were added, no more")
    stage.check(all(after.get(file) == rows for file, rows in before.items()), "no file was read again")


def _late_data(stage: Stage) -> None:
    stage.say("\n[bold]Late data.[/] Readings arrive hours and days after they were taken.")
    before = _readings_by_hour(stage)
    landed = stage.plant.late(records=50, at=_then(stage))
    stage.update(landed.files)
    with stage.still():
        after = _readings_by_hour(stage)
        silver = stage.frame(SILVER, ["event_timestamp", "source_file"])
    hours = pc.floor_temporal(silver["event_timestamp"], unit="hour")
    late = set(hours.filter(pc.is_in(silver["source_file"], _texts([str(path) for path in landed.files]))).to_pylist())
    stage.say(
        f"{landed.readings} late readings corrected {len(late)} hours, the oldest {min(late):%Y-%m-%d %H:%M} UTC."
    )
    counts = {row["values"]: row["counts"] for row in hours.value_counts().to_pylist()}
    stage.check(all(after.get(hour) == counts[hour] for hour in late), "each late reading is counted in its own hour")
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
    summary = stage.update(landed.files)
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
    with stage.still():
        bronze, silver, quarantine = (stage.rows(table) for table in (BRONZE, SILVER, QUARANTINE))
        counted = pc.sum(stage.frame(GOLD, ["reading_count"])["reading_count"]).as_py() or 0
    stage.check(
        silver + quarantine == bronze,
        f"silver {silver:,} + quarantine {quarantine:,} = bronze {bronze:,}: none lost",
    )
    stage.check(counted == silver, f"gold counts {counted:,} readings, as many as silver has")


def _readings_by_hour(stage: Stage) -> dict[datetime, int]:
    rows = stage.frame(GOLD, ["window_start", "reading_count"])
    hours = rows.group_by("window_start").aggregate([("reading_count", "sum")]).to_pylist()
    return {row["window_start"]: row["reading_count_sum"] for row in hours}


def _texts(values: list[str]) -> object:
    return pa.array(values, pa.string())


def _then(stage: Stage) -> datetime:
    return stage.clock.now() - CALM_TIME_AGO
