"""Creates the password of Superset's metadata database at the first start. Nobody needs to know it."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

_FOLDER = Path("/secrets")
_USER = "superset"


def main() -> None:
    """Write the password twice: for the database, which has the group, and for its only client."""
    password = _FOLDER / "password"
    if not password.exists():
        _write(password, secrets.token_urlsafe(32), 0o640)
    # The database's client library refuses a password file that others may read.
    _write(_FOLDER / "pgpass", f"*:*:*:{_USER}:{password.read_text(encoding='utf-8')}", 0o600)


def _write(file: Path, text: str, mode: int) -> None:
    # Not replace_file of pipeline: a secret must never exist with other permissions, not even as a draft.
    draft = file.with_suffix(".draft")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as stream:
        stream.write(text)
    draft.chmod(mode)
    draft.replace(file)


if __name__ == "__main__":
    main()
