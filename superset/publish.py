# mypy: ignore-errors
"""Imports the bundle into Superset: new and changed files, matched by uuid. What users created is not touched."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from bundle import load_assets
from credentials import state_folder
from superset import db, security_manager
from superset.charts.schemas import ImportV1ChartSchema
from superset.commands.chart.importers.v1.utils import import_chart
from superset.commands.dashboard.importers.v1.utils import find_chart_uuids, import_dashboard, update_id_refs
from superset.commands.database.importers.v1.utils import import_database
from superset.commands.dataset.importers.v1.utils import import_dataset
from superset.commands.importers.v1.utils import get_resource_mappings_batched
from superset.commands.query.importers.v1.utils import import_saved_query
from superset.commands.utils import update_chart_config_dataset
from superset.connectors.sqla.models import SqlaTable
from superset.dashboards.schemas import ImportV1DashboardSchema
from superset.databases.schemas import ImportV1DatabaseSchema
from superset.datasets.schemas import ImportV1DatasetSchema
from superset.models.core import Database
from superset.models.dashboard import Dashboard
from superset.models.slice import Slice
from superset.models.sql_lab import SavedQuery
from superset.queries.saved_queries.schemas import ImportV1SavedQuerySchema

if TYPE_CHECKING:
    from bundle import Asset

MODELS = {"databases": Database, "queries": SavedQuery, "datasets": SqlaTable, "charts": Slice, "dashboards": Dashboard}
_SCHEMAS = {
    "databases": ImportV1DatabaseSchema,
    "queries": ImportV1SavedQuerySchema,
    "datasets": ImportV1DatasetSchema,
    "charts": ImportV1ChartSchema,
    "dashboards": ImportV1DashboardSchema,
}
_MARKS = "published.json"


class Publisher:
    """Brings the objects of the bundle up to date.

    An object is written if it is missing, or if its file has changed since it was last written. So a user's change to
    an object of the bundle stays until the bundle changes the same object.

    Args:
        warehouse_url: The address for the database connection.
        everything: Whether to write every object, whatever its state.
    """

    def __init__(self, warehouse_url: str, *, everything: bool = False) -> None:
        self._warehouse_url = warehouse_url
        self._marks_file = state_folder() / _MARKS
        self._marks: dict[str, str] = {}
        if self._marks_file.exists() and not everything:
            self._marks = json.loads(self._marks_file.read_text(encoding="utf-8"))

    def run(self) -> list[str]:
        """Write missing and changed objects in one transaction, and return the paths of their files.

        Raises:
            ValueError: Superset does not accept a file of the bundle.
        """
        written = []
        for asset in load_assets():
            if asset.kind == "databases":
                asset.config["sqlalchemy_uri"] = self._warehouse_url
            exists = db.session.query(MODELS[asset.kind]).filter_by(uuid=asset.uuid).first() is not None
            if not exists or self._marks.get(asset.uuid) != asset.mark:
                mark = asset.mark
                self._write(asset)
                db.session.flush()
                self._marks[asset.uuid] = mark
                written.append(asset.path)
        db.session.commit()
        # Not replace_file of pipeline: Superset's environment and image do not have that package.
        draft = self._marks_file.with_suffix(".draft")
        draft.write_text(json.dumps(self._marks, indent=1, sort_keys=True), encoding="utf-8")
        draft.replace(self._marks_file)
        return written

    def _write(self, asset: Asset) -> None:
        config = copy.deepcopy(asset.config)
        problems = _SCHEMAS[asset.kind]().validate(copy.deepcopy(config))
        if problems:
            raise ValueError(f"{asset.path}: {problems}")
        getattr(self, f"_write_{asset.kind}")(config)

    def _write_databases(self, config: dict[str, Any]) -> None:
        import_database(config, overwrite=True, ignore_permissions=True)

    def _write_queries(self, config: dict[str, Any]) -> None:
        config["db_id"] = _id(Database, config.pop("database_uuid"))
        saved = import_saved_query(config, overwrite=True)
        # SQL Lab lists a user's own queries only.
        owner = security_manager.find_user("admin")
        saved.user_id, saved.created_by_fk = owner.id, owner.id

    def _write_datasets(self, config: dict[str, Any]) -> None:
        config["database_id"] = _id(Database, config["database_uuid"])
        existing = db.session.query(SqlaTable).filter_by(uuid=config["uuid"]).first()
        if existing is not None:
            _keep_what_users_added(existing, config)
        import_dataset(config, overwrite=True, ignore_permissions=True)

    def _write_charts(self, config: dict[str, Any]) -> None:
        dataset = db.session.query(SqlaTable).filter_by(uuid=config["dataset_uuid"]).one()
        config = update_chart_config_dataset(config, _reference(dataset))
        import_chart(config, overwrite=True, ignore_permissions=True)

    def _write_dashboards(self, config: dict[str, Any]) -> None:
        charts = get_resource_mappings_batched(Slice)
        datasets = get_resource_mappings_batched(SqlaTable, value_func=_reference)
        config = update_id_refs(config, charts, datasets)
        dashboard = import_dashboard(config, overwrite=True, ignore_permissions=True)
        uuids = find_chart_uuids(config["position"])
        dashboard.slices = db.session.query(Slice).filter(Slice.uuid.in_(uuids)).all()
        dashboard.published = True


def _id(model: Any, uuid: str) -> int:
    return db.session.query(model).filter_by(uuid=uuid).one().id


def _reference(dataset: SqlaTable) -> dict[str, Any]:
    return {
        "datasource_id": dataset.id,
        "datasource_type": dataset.datasource_type,
        "datasource_name": dataset.table_name,
    }


def _keep_what_users_added(existing: SqlaTable, config: dict[str, Any]) -> None:
    """Add the metrics and calculated columns that users made, which the import would delete."""
    for key, name in (("metrics", "metric_name"), ("columns", "column_name")):
        ours = {entry[name] for entry in config.get(key, [])}
        for entry in getattr(existing, key):
            if getattr(entry, name) not in ours and entry.expression:
                kept = entry.export_to_dict(recursive=False, include_parent_ref=False, export_uuids=True)
                if isinstance(kept.get("extra"), str):
                    kept["extra"] = json.loads(kept["extra"] or "{}")
                config.setdefault(key, []).append(kept)
