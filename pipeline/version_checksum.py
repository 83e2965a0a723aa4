"""The checksum of a table's version, which Delta's protocol describes and deltalake does not write.

It tells a version's columns, properties and protocol. Spark asks for them before anything else, and where a version
has no checksum it runs a job over the log to find them, some fifth of a second for each new version.

Source: "Version Checksum File" in Delta's protocol.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pipeline.arrow import file_sizes, folder_of
from pipeline.commit_log import CommitLog

if TYPE_CHECKING:
    from deltalake import DeltaTable

    from pipeline.commit_log import Commit


def write_checksum(table: DeltaTable) -> None:
    """Write the checksum of the version that a table has just come to; not for features that it may not know of.

    Without one a table is as good: whoever is killed before it is written leaves Spark a job more.
    """
    protocol = table.protocol()
    if protocol.min_reader_version > 1 or protocol.writer_features:
        return
    log = CommitLog(folder_of(table))
    file = log.file(table.version()).with_suffix(".crc")
    if file.exists():
        return
    metadata = next(filter(None, map(_metadata, log.newest_first())), None)
    if metadata is None:
        return
    sizes = file_sizes(table)
    checksum = {
        "tableSizeBytes": sum(sizes),
        "numFiles": len(sizes),
        "numMetadata": 1,
        "numProtocol": 1,
        "metadata": metadata,
        "protocol": {
            "minReaderVersion": protocol.min_reader_version,
            "minWriterVersion": protocol.min_writer_version,
        },
    }
    scratch = file.with_name(f".{file.name}.tmp")
    scratch.write_text(json.dumps(checksum) + "\n", encoding="utf-8")
    scratch.replace(file)


def _metadata(commit: Commit) -> dict[str, Any] | None:
    """Return a table's metadata as of a commit, or None where neither it nor its checksum tells."""
    told = next((action["metaData"] for action in commit.actions() if "metaData" in action), None)
    if told is not None:
        return dict(told)
    try:
        checksum = json.loads(commit.file.with_suffix(".crc").read_text(encoding="utf-8"))
        return dict(checksum["metadata"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
