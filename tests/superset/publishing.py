# mypy: ignore-errors
"""Publishes again and again between changes, in Superset's own environment; prints what came of each step as JSON.

Arguments: the folder `superset/`, a copy of its assets to edit, a warehouse's address.
"""

import json
import sys
from pathlib import Path

folder, assets, url = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
sys.path[:0] = [str(folder)]

import bundle  # noqa: E402
from prepare import prepare  # noqa: E402

bundle.load_assets.__defaults__ = (assets,)
CHART = assets / "charts" / "devices_reporting_now.yaml"
DATASET = assets / "datasets" / "Smart_Factory" / "device_status.yaml"
steps = {"first": prepare(url), "again": prepare(url)}

from superset import db  # noqa: E402
from superset.app import create_app  # noqa: E402

app = create_app()
app.app_context().push()

from superset.connectors.sqla.models import SqlaTable, SqlMetric  # noqa: E402
from superset.models.dashboard import Dashboard  # noqa: E402
from superset.models.slice import Slice  # noqa: E402


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def look() -> dict[str, object]:
    db.session.expire_all()
    ours = db.session.query(Slice).filter_by(slice_name=name_of_ours).all()
    dataset = db.session.query(SqlaTable).filter_by(table_name="device_status").one()
    return {
        "ours": [chart.id for chart in ours],
        "renamed": [chart.id for chart in db.session.query(Slice).filter_by(slice_name="A better name")],
        "edited": [chart.id for chart in db.session.query(Slice).filter_by(slice_name="Devices that report")],
        "own chart": db.session.query(Slice).filter_by(slice_name="My chart").count(),
        "own dashboard": db.session.query(Dashboard).filter_by(dashboard_title="My dashboard").count(),
        "own metric": [metric.expression for metric in dataset.metrics if metric.metric_name == "my metric"],
        "description": dataset.description,
        "counts": [db.session.query(model).count() for model in (Slice, Dashboard, SqlaTable)],
        "viewers": sorted(
            role.name for dashboard in db.session.query(Dashboard) for role in dashboard.roles
        ),
    }  # fmt: skip


name_of_ours = "Reporting"
steps["before"] = look()
dataset = db.session.query(SqlaTable).filter_by(table_name="device_status").one()
chart = db.session.query(Slice).filter_by(slice_name=name_of_ours).one()
db.session.add(
    Slice(slice_name="My chart", viz_type="table", datasource_id=dataset.id, datasource_type="table", params="{}")
)
db.session.add(Dashboard(dashboard_title="My dashboard", slices=[chart]))
db.session.add(SqlMetric(metric_name="my metric", expression="max(risk)", table=dataset))
chart.slice_name = "A better name"
db.session.commit()
steps["after a user's work"] = prepare(url)
steps["users' work"] = look()

edit(DATASET, "Each device by its newest reading", "Every device by its newest reading")
steps["after our edit of the dataset"] = prepare(url)
steps["dataset edited"] = look()

edit(CHART, "slice_name: Reporting", "slice_name: Devices that report")
steps["after our edit of the chart"] = prepare(url)
steps["chart edited"] = look()

db.session.delete(db.session.query(Slice).filter_by(slice_name="Devices that report").one())
db.session.commit()
steps["after a deletion"] = prepare(url)

CHART.write_text(CHART.read_text(encoding="utf-8") + "no_such_key: 1\n", encoding="utf-8")
counts = look()["counts"]
try:
    steps["of a broken file"] = prepare(url)
except ValueError as error:
    steps["of a broken file"] = str(error)
steps["left as it was"] = look()["counts"] == counts
print("STEPS", json.dumps(steps))  # noqa: T201
