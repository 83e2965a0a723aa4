"""Settings that differ from Superset's defaults. SUPERSET_CONFIG_PATH points Superset to this file."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Response, request, session
from flask_login import current_user

if TYPE_CHECKING:
    from flask import Flask

_FOLDER = Path(__file__).resolve().parent
# The warehouse's dialect and engine spec are found by the entry points beside them.
sys.path[:0] = [entry for entry in (str(_FOLDER), str(_FOLDER / "plugin")) if entry not in sys.path]

from credentials import derived, secret, state_folder  # noqa: E402
from palette import CATEGORICAL, SEQUENTIAL  # noqa: E402

_STATE = state_folder()

SECRET_KEY = secret("secret_key")
GUEST_TOKEN_JWT_SECRET = derived("guest tokens")
GLOBAL_ASYNC_QUERIES_JWT_SECRET = derived("asynchronous queries")
SQLALCHEMY_DATABASE_URI = os.environ.get("SUPERSET_METADATA_URL") or f"sqlite:///{_STATE / 'superset.db'}?timeout=30"
UPLOAD_FOLDER = str(_STATE / "uploads")

APP_NAME = "Smart Factory"
BABEL_DEFAULT_TIMEZONE = "UTC"
THEME_DARK = None
EXTRA_CATEGORICAL_COLOR_SCHEMES = CATEGORICAL
EXTRA_SEQUENTIAL_COLOR_SCHEMES = SEQUENTIAL

FEATURE_FLAGS = {
    # A dashboard and its data are visible to the roles that it names, which is all that a viewer gets.
    "DASHBOARD_RBAC": True,
    "ALERT_REPORTS": False,
}

# Twenty people with an open dashboard cause one query for each refresh.
_CACHE = {"CACHE_TYPE": "FileSystemCache", "CACHE_DIR": str(_STATE / "cache"), "CACHE_THRESHOLD": 2000}
DATA_CACHE_CONFIG = {**_CACHE, "CACHE_DEFAULT_TIMEOUT": 50, "CACHE_KEY_PREFIX": "data_"}
CACHE_CONFIG = {**_CACHE, "CACHE_DEFAULT_TIMEOUT": 300, "CACHE_KEY_PREFIX": "metadata_"}
DASHBOARD_AUTO_REFRESH_MODE = "fetch"
DB_POLL_INTERVAL_SECONDS = {"spark": 0.2}
SQLLAB_TIMEOUT = 60
SUPERSET_WEBSERVER_TIMEOUT = 90
CELERY_CONFIG = None
DEFAULT_SQLLAB_LIMIT = 1000

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
WTF_CSRF_ENABLED = True
ENABLE_UI_THEME_ADMINISTRATION = False
THEME_FONT_URL_ALLOWED_DOMAINS: list[str] = []
# Nothing is loaded from or sent to another host: no tiles, no fonts, no tracking pixel.
TALISMAN_ENABLED = True
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": "'none'",
        "frame-ancestors": ["'self'"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "font-src": ["'self'", "data:"],
        "script-src": ["'self'", "'strict-dynamic'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": False,
}


def FLASK_APP_MUTATOR(app: Flask) -> None:  # noqa: N802 - Superset's name
    """Keep parameters of the login page from undoing the sign-in.

    The page reports what it saw as it is left. Superset answers somebody who is not signed in with a redirect and a
    new session, and where that answer comes after the login's, it takes the place of the session that is signed in.
    """

    @app.before_request
    def _visitors_report_nothing() -> Response | None:
        if request.endpoint != "Superset.log" or current_user.is_authenticated:
            return None
        session.modified = False
        return Response(status=204)
