# mypy: ignore-errors
"""Brings the metadata database, the roles, the accounts and the dashboards up to date; run before the server."""

from __future__ import annotations

import json
import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bundle import load_assets
from credentials import state_folder


def prepare(warehouse_url: str, *, everything: bool = False) -> list[str]:
    """Prepare a server that queries the warehouse at an address, and return the files that were published."""
    from superset.app import create_app  # noqa: PLC0415 - takes seconds, and reads the configuration
    from superset.extensions import appbuilder, security_manager  # noqa: PLC0415

    app = create_app()
    with app.app_context():
        stamp = state_folder() / "prepared.json"
        wanted = {"superset": version("apache-superset"), "metadata": str(app.config["SQLALCHEMY_DATABASE_URI"])}
        if not stamp.exists() or json.loads(stamp.read_text(encoding="utf-8")) != wanted:
            _migrate(app)
            appbuilder.add_permissions(update_perms=True)
            security_manager.sync_role_definitions()
            stamp.write_text(json.dumps(wanted), encoding="utf-8")
        from accounts import ensure_accounts, show_to_viewers  # noqa: PLC0415 - models need an application
        from publish import Publisher  # noqa: PLC0415

        ensure_accounts()
        written = Publisher(warehouse_url, everything=everything).run()
        show_to_viewers([asset.uuid for asset in load_assets() if asset.kind == "dashboards"])
        return written


def _migrate(app: Any) -> None:
    from flask_migrate import upgrade  # noqa: PLC0415

    upgrade(directory=str(Path(app.root_path) / "migrations"))


if __name__ == "__main__":
    os.environ["SUPERSET_CONFIG_PATH"] = str(Path(__file__).resolve().with_name("superset_config.py"))
    for path in prepare(sys.argv[1], everything="--everything" in sys.argv):
        print(f"published {path}")  # noqa: T201
