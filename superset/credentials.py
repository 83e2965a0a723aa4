"""Secrets of the Superset server, created at the first start in files that only their owner can read."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
# An environment variable overrides the file.
OVERRIDES = {
    "secret_key": "SUPERSET_SECRET_KEY",
    "admin_password": "SUPERSET_ADMIN_PASSWORD",
    "viewer_password": "SUPERSET_VIEWER_PASSWORD",
}


def state_folder() -> Path:
    """Return the folder of a home's metadata database and secrets, and create it if it is missing."""
    home = Path(os.environ.get("SMART_FACTORY_HOME") or CHECKOUT / "lakehouse").expanduser().absolute()
    folder = home / "state" / "superset"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def secret(name: str) -> str:
    """Return a secret from the environment, else from its file, which is created if it is missing."""
    if given := os.environ.get(OVERRIDES[name]):
        return given
    file = state_folder() / name
    fresh = secrets.token_urlsafe(42 if name == "secret_key" else 15)
    # Written atomically and never readable by others, because two processes may start at once.
    draft = file.with_name(f".{name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
        stream.write(f"{fresh}\n")
    try:
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return file.read_text(encoding="utf-8").strip()


def derived(purpose: str) -> str:
    """Return a separate secret for a purpose, the same at every start."""
    return hmac.new(secret("secret_key").encode(), purpose.encode(), hashlib.sha256).hexdigest()


def where(name: str) -> str:
    """Return where to find a secret, but not the secret itself."""
    return f"${OVERRIDES[name]}" if os.environ.get(OVERRIDES[name]) else str(state_folder() / name)
