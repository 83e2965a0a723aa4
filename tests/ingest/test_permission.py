"""A file that its reader may not open: root opens every file, so another user reads here."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from pipeline.declare.files_source import FilesSource
from pipeline.ingest.reader import FileOutcome, Plan, read_pieces, read_through

if TYPE_CHECKING:
    from pathlib import Path

NOBODY = 65534


def test_file_without_permission_is_an_error_of_its_own_for_every_user_but_root(tmp_path: Path) -> None:
    secret, open_to_all = tmp_path / "secret.json", tmp_path / "open.json"
    for file, mode in ((secret, 0o000), (open_to_all, 0o644)):
        file.write_text('[{"a": 1}]')
        file.chmod(mode)
    for folder in (tmp_path, *tmp_path.parents):
        if not folder.stat().st_mode & stat.S_IXOTH:
            folder.chmod(0o755)
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        outcome = FileOutcome(str(secret))
        records = list(read_pieces(str(secret), Plan(FilesSource("x"), ()), outcome))
        plan = Plan(FilesSource("x"), (), folder=str(tmp_path))
        refused, readable = (read_through(FileOutcome(str(file)), plan).error for file in (secret, open_to_all))
    finally:
        os.seteuid(user)
    assert (records, outcome.error, refused, readable) == ([], *["PermissionError: Permission denied"] * 2, None)
