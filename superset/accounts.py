# mypy: ignore-errors
"""The two accounts: `admin`, and `viewer`, who sees dashboards and nothing else."""

from __future__ import annotations

import os

from credentials import OVERRIDES, secret
from superset import db, security_manager
from superset.models.dashboard import Dashboard
from werkzeug.security import check_password_hash, generate_password_hash

VIEWER_ROLE = "Dashboard viewer"
# Dashboards and their charts, filters saved in a link, and the user's own name; no other data.
_VIEWER_MAY = (
    ("can_read", "Dashboard"),
    ("can_read", "Chart"),
    ("can_dashboard", "Superset"),
    ("can_dashboard_permalink", "Superset"),
    ("can_log", "Superset"),
    ("can_read", "DashboardPermalinkRestApi"),
    ("can_read", "DashboardFilterStateRestApi"),
    ("can_write", "DashboardFilterStateRestApi"),
    ("can_time_range", "Api"),
    ("can_read", "CssTemplate"),
    ("can_read", "Theme"),
    ("can_read", "CurrentUserRestApi"),
    ("menu_access", "Dashboards"),
)


def ensure_accounts() -> None:
    """Create the accounts and the viewer's role; a password from the environment replaces the account's."""
    role = security_manager.add_role(VIEWER_ROLE)
    wanted = [security_manager.add_permission_view_menu(*pair) for pair in _VIEWER_MAY]
    role.permissions = [permission for permission in wanted if permission is not None]
    _ensure("admin", security_manager.find_role("Admin"), "admin_password")
    _ensure("viewer", role, "viewer_password")
    db.session.commit()


def show_to_viewers(uuids: list[str]) -> None:
    """Let viewers see these dashboards, which the files of a bundle cannot do."""
    role = security_manager.find_role(VIEWER_ROLE)
    for dashboard in db.session.query(Dashboard).filter(Dashboard.uuid.in_(uuids)):
        if role not in dashboard.roles:
            dashboard.roles.append(role)
    db.session.commit()


def _ensure(name: str, role: object, password: str) -> None:
    user = security_manager.find_user(name)
    if user is None:
        # Not a real address: the domain is reserved for examples.
        user = security_manager.add_user(
            name, name.capitalize(), "Smart Factory", f"{name}@smart-factory.invalid", role, password=secret(password)
        )
        if not user:
            raise RuntimeError(f"The account {name} cannot be created")
    elif os.environ.get(OVERRIDES[password]) and not check_password_hash(user.password, secret(password)):
        user.password = generate_password_hash(secret(password))
