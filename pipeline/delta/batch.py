"""A batch: the key under which a flow's rows are written once, and what that did."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from deltalake import CommitProperties, Transaction

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Batch:
    """One batch of one flow: the key under which its rows and its evidence are written once.

    Attributes:
        flow_id: Stays while the flow goes on; a full refresh begins a new one.
        batch_id: Counts the flow's batches from 0.
    """

    update_id: str
    flow_name: str
    flow_id: str
    batch_id: int

    def note(self, *, deleted_rows: int = 0) -> str:
        """Return the text that its commit carries as Delta's `userMetadata`: which update and batch wrote it."""
        return json.dumps({**asdict(self), "deleted_rows": deleted_rows})

    def transaction(self) -> dict[str, str]:
        """Return the options with which Spark's commit names it as Delta's transaction."""
        return {"txnAppId": self.flow_id, "txnVersion": str(self.batch_id)}

    def commit_properties(self, metrics: Mapping[str, str] | None = None) -> CommitProperties:
        """Return what a commit of deltalake's carries: the note, and the transaction.

        Args:
            metrics: What the commit did, in Spark's terms, where deltalake does not tell by itself.
        """
        told = {"userMetadata": self.note(), **({"operationMetrics": dict(metrics)} if metrics else {})}
        return CommitProperties(custom_metadata=told, app_transactions=[Transaction(self.flow_id, self.batch_id)])


@dataclass(frozen=True)
class Written:
    """What one commit did to a table, in rows and bytes.

    Attributes:
        updated_rows: Rows whose former and new values are counted above.
    """

    rows: int = 0
    deleted_rows: int = 0
    bytes: int = 0
    updated_rows: int = field(default=0, compare=False)

    def __add__(self, other: Written) -> Written:
        return Written(
            self.rows + other.rows,
            self.deleted_rows + other.deleted_rows,
            self.bytes + other.bytes,
            self.updated_rows + other.updated_rows,
        )
