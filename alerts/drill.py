"""A marked test notification, to check the destinations."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from alerts.decide import Decision
from alerts.message import compose
from alerts.model import Alert, State
from pipeline.notification.destination import DeliveryError, Destination, Notification

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

MARK = "[TEST]"


@dataclass(frozen=True)
class Outcome:
    """The outcome of a test.

    Attributes:
        notification_id: The id in the message.
        errors: Each destination's label, and why it did not accept the message; None when it did.
    """

    notification_id: str
    errors: list[tuple[str, str | None]]


def drill(alert: Alert, destinations: Sequence[Destination], now: datetime) -> Outcome:
    """Send a marked message to each destination and return the outcome. It is neither recorded nor retried."""
    decision = Decision(State.UNKNOWN, reason="This is a test. Nothing was evaluated.")
    message = compose(alert.spec, decision, None, now)
    marked = replace(message, subject=f"{MARK} {message.subject}", kind="info")
    notification = Notification(uuid.uuid4().hex[:12], marked)
    errors: list[tuple[str, str | None]] = []
    for destination in destinations:
        error = None
        try:
            destination.send(notification)
        except DeliveryError as failure:
            error = failure.problem
        errors.append((destination.label, error))
    return Outcome(notification.id, errors)
