"""The checksum of a table's version, which Delta's protocol describes and deltalake does not write.

It tells a version's columns, properties and protocol. Spark asks for them before anything else, and where a version
has no checksum it runs a job over the log to find them, some fifth of a second for each new version.

Source: "Version Checksum File" in Delta's protocol.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pipeline.delta.commits import Commit, CommitLog
from pipeline.delta.reading import file_sizes, folder_of
from pipeline.foundation.durable_file import replace_file

if TYPE_CHECKING:
    from deltalake import DeltaTable


def write_checksum(table: DeltaTable) -> None:
    """Write the checksum of a table's newest version; not for tables with features that this code may not know.

    The checksum is optional: after a kill before it is written, Spark just runs one extra job.
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
    # Spark does without a checksum that it cannot read; syncing one would slow down every small commit.
    replace_file(file, json.dumps(checksum) + "\n", durable=False)


def _metadata(commit: Commit) -> dict[str, Any] | None:
    """Return a table's metadata as of a commit, or None where neither it nor its checksum tells."""
    if (metadata := commit.metadata) is not None:
        return metadata
    try:
        checksum = json.loads(commit.file.with_suffix(".crc").read_text(encoding="utf-8"))
        return dict(checksum["metadata"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
