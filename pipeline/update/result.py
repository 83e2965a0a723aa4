"""How an update ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pipeline.foundation.errors import LakehouseError

UpdateState = Literal["COMPLETED", "FAILED", "CANCELED"]
FlowStatus = Literal["QUEUED", "COMPLETED", "FAILED", "SKIPPED", "EXCLUDED", "STOPPED"]


@dataclass
class UpdateResult:
    """How an update ended.

    Attributes:
        statuses: For each stored table, how its flow ended.
        errors: For each flow that failed, and each that was skipped for it, what stopped it.
    """

    update_id: str
    state: UpdateState = "COMPLETED"
    statuses: dict[str, FlowStatus] = field(default_factory=dict)
    errors: dict[str, LakehouseError] = field(default_factory=dict)
