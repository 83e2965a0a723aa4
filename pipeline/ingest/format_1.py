"""What ingestion left in homes of format 1: a list of every path that a flow has ever taken, and no digests."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline.checkpoint.position import Position
from pipeline.ingest.digest import sha256_of
from pipeline.ingest.file_lists import FileLists
from pipeline.ingest.file_state import FileRecord, FileState, batch_key
from pipeline.ingest.landing import LandedFile, present, shown

if TYPE_CHECKING:
    from pipeline.home.schema_places import TablePlaces

# As many files are digested between two commits.
_FILES_AT_ONCE = 1000
_NEVER = datetime.fromtimestamp(0, UTC)


def migrate_taken_files(places: TablePlaces) -> None:
    """Have the file state of a table know every file that its flow has taken, and delete the list of all paths.

    The file state of a home of format 1 knows them too, unless it was lost; then the list was what kept files from
    being read twice. A kill at any moment does no harm, and neither does a second call.
    """
    position = Position(places.checkpoints)
    if not position.exists:
        return
    flow_id, checkpoint = position.flow_id(), position.checkpoint()
    every_path, lists = checkpoint / "discovered before.json", FileLists(checkpoint / "discovered")
    taken = json.loads(every_path.read_text(encoding="utf-8")) if every_path.exists() else []
    done = position.done_batch()
    entry = position.newest_entry(done) if lists.folder.exists() else -1
    taken += [path for number in lists.numbers() if number <= entry for path in lists.read(number).paths]
    file_state = FileState(places.file_state)
    known = file_state.known_among([shown(path) for path in taken], flow_id)
    lost = [path for path in taken if shown(path) not in known]
    key = f"{flow_id}/format 1" if file_state.has_batch(flow_id, done) else batch_key(flow_id, done)
    there = {file.path: file for file in present(lost)}
    file_state.add([_record(path, there.get(path), flow_id, key) for path in lost])
    every_path.unlink(missing_ok=True)


def migrate_digests(places: TablePlaces) -> None:
    """Have the file state of a table know the digest of every file that is in the landing zone as it was read.

    A kill at any moment does no harm, and a second call only tries what is left.
    """
    position = Position(places.checkpoints)
    if not position.exists:
        return
    file_state = FileState(places.file_state)
    known = file_state.current(position.flow_id()).values()
    unknown = [record for record in known if record.state == "ingested" and record.sha256 is None]
    for start in range(0, len(unknown), _FILES_AT_ONCE):
        found = [(record, _digest_as_read(record)) for record in unknown[start : start + _FILES_AT_ONCE]]
        digested = [replace(record, sha256=sha256) for record, sha256 in found if sha256 is not None]
        if digested:
            key = f"{position.flow_id()}/digest of {digested[0].path}"
            file_state.add([replace(record, batch_key=key) for record in digested])


def _digest_as_read(record: FileRecord) -> str | None:
    """Return the digest of a file, or None where it is not as its record says."""
    as_read = record.size_bytes, record.modified_at
    try:
        if _version(record.path) != as_read:
            return None
        sha256 = sha256_of(record.path, "")
        return sha256 if _version(record.path) == as_read else None
    except OSError:
        return None


def _version(path: str) -> tuple[int, datetime]:
    file = LandedFile.found_at(path)
    return file.size_bytes, file.modified_at


def _record(path: str, file: LandedFile | None, flow_id: str, key: str) -> FileRecord:
    return FileRecord(
        path=shown(path),
        state="ingested",
        size_bytes=file.size_bytes if file else 0,
        modified_at=file.modified_at if file else _NEVER,
        status_changed_at=file.status_changed_at if file else None,
        flow_id=flow_id,
        batch_key=key,
    )
