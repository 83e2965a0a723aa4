"""Acts 1 to 3: each says what happens and what to look for, does it, and checks its own points."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from rich.markup import escape

from demo.stage import BRONZE, GOLD, QUARANTINE, SILVER
from pipeline.commands.output import count_of

if TYPE_CHECKING:
    from datetime import datetime

    from demo.stage import Stage

# The first acts land readings of six hours ago, so that their hot readings do not trigger the alert.
CALM_TIME_AGO = timedelta(hours=6)


def act1(stage: Stage) -> None:
    """Generate: sensor readings land as JSON files."""
    stage.headline("Act 1 · Sensor readings land")
    stage.say("Fifteen machines on two floors report temperature and vibration: JSON files land in the landing zone.")
    landed = stage.plant.batch(at=_then(stage))
    stage.say(f"Landed {len(landed.files)} files in {landed.files[0].parent}. The first one begins with:")
    stage.say(f"  [dim]{escape(landed.files[0].read_text(encoding='utf-8')[:150])} …[/]")
    known = {file.path: file.state for file in stage.files()}
    states = [known.get(str(path)) for path in landed.files]
    stage.check(all(states), f"{len(landed.files)} new files have landed")
    if stage.updates_on_arrival:
        stage.say("You should see them read within seconds: on this stack, files that land start an update.")
        return
    stage.say(f"You should see them waiting: no update has read them yet.  ({stage.python} -m pipeline files)")
    stage.check(set(states) == {"waiting"}, "all of them wait for an update")


def act2(stage: Stage) -> None:
    """Happy path: one update from landing files to gold."""
    stage.headline("Act 2 · One update, from landing files to gold")
    files = [Path(file.path) for file in stage.waiting()]
    if not files:
        stage.say("No file is waiting, so a new batch lands first.")
        files = list(stage.plant.batch(at=_then(stage)).files)
    stage.say("Bronze takes every record as it is. Silver takes the valid rows, quarantine the others, with reasons.")
    stage.say("Gold summarises each device's hours. You should see how many rows each table gains, and how many rows")
    stage.say("pass and fail each expectation.")
    stage.update(files)
    read = len(stage.read(files))
    stage.check(read == len(files), f"bronze has read the {count_of(read, 'file')} that waited")
    _check_conservation(stage)
    if not stage.updates_on_arrival:
        stage.say("Run the same update again: there is nothing new, so nothing is read or written.  (make run)")


def act3(stage: Stage) -> None:
    """Fault tolerance: only new files, late data, a schema change."""
    stage.headline("Act 3 · New files, late data, a schema change")
    if stage.waiting() or not stage.rows(BRONZE):
        stage.say("First, an update brings the tables up to date.")
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
    stage.say(
        f"\n[bold]Only new files.[/] {count_of(len(before), 'file')} have been read before; {len(landed.files)} more"
    )
    stage.say("have landed. You should see an update that reads these two alone.")
    stage.update(landed.files)
    after = stage.rows_by_file()
    read = count_of(len(stage.read(landed.files)), "file")
    stage.check(read == count_of(len(landed.files), "file"), f"{read} were read")
    added = sum(after.get(str(path), 0) for path in landed.files)
    stage.check(added == landed.readings, f"exactly {landed.readings} rows were added")
    stage.check(all(after.get(file) == rows for file, rows in before.items()), "no file was read again")


def _late_data(stage: Stage) -> None:
    stage.say("\n[bold]Late data.[/] Readings arrive hours and days after they were taken.")
    stage.say("You should see gold recompute the past hours that they belong to, and no others.")
    before = _readings_by_hour(stage)
    landed = stage.plant.late(records=50, at=_then(stage))
    stage.update(landed.files)
    with stage.still():
        after = _readings_by_hour(stage)
        silver = stage.frame(SILVER, ["event_timestamp", "source_file"])
    hours = pc.floor_temporal(silver["event_timestamp"], unit="hour")
    late = set(hours.filter(pc.is_in(silver["source_file"], _texts(landed.files))).to_pylist())
    stage.say(
        f"{landed.readings} late readings belong to {len(late)} hours, the oldest {min(late):%Y-%m-%d %H:%M} UTC."
    )
    counts = {row["values"]: row["counts"] for row in hours.value_counts().to_pylist()}
    stage.check(all(after.get(hour) == counts[hour] for hour in late), "each late reading is counted in its own hour")
    stage.check(all(after[hour] >= count for hour, count in before.items()), "no hour has lost a reading")


def _schema_change(stage: Stage) -> None:
    evolved = "humidity_percent" in stage.columns(BRONZE)
    stage.say("\n[bold]A schema change.[/] New firmware sends humidity_percent, and times with an offset.")
    if evolved:
        stage.say("Bronze has the column from an earlier run. You should see new values go straight into it.")
    else:
        stage.say("You should see the new column in bronze and in silver, without an error and without a restart.")
    landed = stage.plant.schema_change(at=_then(stage))
    summary = stage.update(landed.files)
    failed = [table.name for table in summary.tables.values() if table.status == "FAILED"]
    stage.check(not failed, "no flow failed or was restarted")
    stage.check("humidity_percent" in stage.columns(BRONZE), "humidity_percent is a column of bronze")
    stage.check("humidity_percent" in stage.columns(SILVER), "and of silver, in the same update")
    rows = stage.frame(BRONZE, ["source_file", "humidity_percent"])
    ours = rows.filter(pc.is_in(rows["source_file"], _texts(landed.files)))
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
        f"silver {silver:,} + quarantine {quarantine:,} = bronze {bronze:,}: no row is lost",
    )
    stage.check(counted == silver, f"gold counts {counted:,} readings, as many as silver has")


def _readings_by_hour(stage: Stage) -> dict[datetime, int]:
    rows = stage.frame(GOLD, ["window_start", "reading_count"])
    hours = rows.group_by("window_start").aggregate([("reading_count", "sum")]).to_pylist()
    return {row["window_start"]: row["reading_count_sum"] for row in hours}


def _texts(paths: list[Path]) -> object:
    return pa.array([str(path) for path in paths], pa.string())


def _then(stage: Stage) -> datetime:
    return stage.clock.now() - CALM_TIME_AGO
