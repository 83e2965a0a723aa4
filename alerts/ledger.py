"""An alert's state across restarts: what readers were notified of, pending notifications, unrecorded evaluations."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError, field_validator

from alerts.decide import ITSELF, Memory
from alerts.history import Row  # noqa: TC001 - pydantic reads it at run time
from alerts.lock import held
from alerts.model import State
from pipeline.foundation.clock import Clock, wait_after
from pipeline.foundation.durable_file import replace_file
from pipeline.foundation.errors import EnvironmentFaultError
from pipeline.notification.destination import DeliveryError, Destination, Message, Notification

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from pipeline.home.places import Home

FIRST_RETRY = timedelta(seconds=15)
LONGEST_RETRY = timedelta(minutes=5)
# A message that its destination always refuses must not hold back all later ones.
ATTEMPTS_BEFORE_OVERTAKEN = 8
# The names that ledgers written by older versions have.
_OLDER_KEYS = {"told_state": "notified_state", "told_rows": "notified_rows", "told_at": "notified_at"}


class Target(BaseModel):
    """One destination of a notification, and the state of its delivery there."""

    label: str
    attempts: int = 0
    is_delivered: bool = False
    retry_at: datetime
    error: str | None = None


class Pending(BaseModel):
    """A notification that is not yet delivered everywhere, or not yet recorded as delivered.

    Attributes:
        id: The notification's id.
        evaluation_id: The evaluation that caused it.
        message: What is sent.
        targets: Where it goes, by the destinations' keys.
    """

    id: str
    evaluation_id: str
    message: Message
    targets: dict[str, Target]

    @property
    def is_delivered(self) -> bool:
        """Whether every destination has accepted it."""
        return all(target.is_delivered for target in self.targets.values())

    @property
    def error(self) -> str | None:
        """Why it is not delivered everywhere; None when it is, or before the first attempt."""
        errors = [target.error for target in self.targets.values() if target.error and not target.is_delivered]
        return "; ".join(errors) or None

    @property
    def destination(self) -> str:
        """The labels of its destinations."""
        return ", ".join(target.label for target in self.targets.values())


class Ledger(BaseModel):
    """An alert's state on disk."""

    memory: Memory = Memory()
    pending: list[Pending] = []
    unrecorded: list[Row] = []

    @field_validator("memory", mode="before")
    @classmethod
    def _read_older_keys(cls, memory: Any) -> Any:
        if not isinstance(memory, dict):
            return memory
        renamed = {_OLDER_KEYS.get(key, key): value for key, value in memory.items()}
        notified_at = renamed.pop("notified_at", None)
        if notified_at is None:
            return renamed
        times = dict.fromkeys(renamed.get("notified_rows") or [ITSELF], notified_at)
        since = times if renamed.get("state") == State.TRIGGERED else {}
        return {"triggers_notified_at": times, "triggered_since": since, **renamed}

    def next_retry(self) -> datetime | None:
        """Return when the next pending notification is due; None when there is none."""
        keys = {key for pending in self.pending for key in pending.targets}
        return min((target.retry_at for key in keys for _, target in self._waiting_for(key)), default=None)

    def _waiting_for(self, key: str) -> Iterator[tuple[Pending, Target]]:
        """Yield what a destination has not accepted, oldest first, up to the one that holds back all later ones."""
        for pending in self.pending:
            target = pending.targets.get(key)
            if target is None or target.is_delivered:
                continue
            yield pending, target
            if not target.is_delivered and target.attempts < ATTEMPTS_BEFORE_OVERTAKEN:
                return

    def aim(self, destinations: Sequence[Destination], now: datetime) -> None:
        """Re-address pending notifications whose destination was removed or corrected."""
        present = {destination.key: destination for destination in destinations}
        for pending in self.pending:
            gone = [key for key, aim in pending.targets.items() if not aim.is_delivered and key not in present]
            for key in gone:
                del pending.targets[key]
            if gone:
                for key, destination in present.items():
                    pending.targets.setdefault(key, Target(label=destination.label, retry_at=now))

    def deliver(
        self, destinations: Sequence[Destination], clock: Clock, save: Callable[[], None], *, at_once: bool
    ) -> None:
        """Send pending notifications, oldest first, and save after each attempt.

        After a failure nothing more is sent to that destination until its next retry is due.

        Args:
            destinations: The destinations that are configured now.
            clock: Decides whether a retry is due.
            save: Writes the ledger to disk.
            at_once: Whether to send before a retry is due.
        """
        self.aim(destinations, clock.now())
        for destination in destinations:
            for pending, target in self._waiting_for(destination.key):
                if at_once or target.retry_at <= clock.now():
                    _attempt(pending, target, destination, clock)
                    save()


def _attempt(pending: Pending, target: Target, destination: Destination, clock: Clock) -> None:
    target.attempts += 1
    try:
        destination.send(Notification(pending.id, pending.message))
    except DeliveryError as error:
        target.error = error.problem
        target.retry_at = clock.now() + wait_after(target.attempts, FIRST_RETRY, LONGEST_RETRY)
    else:
        target.is_delivered, target.error = True, None


class LedgerFile:
    """The file of an alert's ledger, always replaced as a whole.

    Args:
        home: The lakehouse.
        key: The alert's key.
    """

    def __init__(self, home: Home, key: str) -> None:
        self._path = home.alerts.ledger(key)

    def held(self) -> AbstractContextManager[None]:
        """Lock the alert against every other process."""
        return held(self._path.with_suffix(".lock"))

    def load(self) -> Ledger | None:
        """Return the ledger saved last; None when there is none.

        Raises:
            EnvironmentFaultError: The file cannot be read.
        """
        try:
            return Ledger.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            problem = f"{self._path} cannot be read: {error}."
            remedy = "Move it away; the alert then goes on from its last row in alert_evaluations."
            raise EnvironmentFaultError(problem, remedy) from error

    def save(self, ledger: Ledger) -> None:
        """Write a ledger to disk; a kill or a power failure leaves either the old one or the new one.

        Raises:
            EnvironmentFaultError: The file cannot be written.
        """
        try:
            replace_file(self._path, ledger.model_dump_json(), private=True)
        except OSError as error:
            problem = f"{self._path} cannot be written: {error}."
            remedy = "Free some disk space, or correct the folder's permissions."
            raise EnvironmentFaultError(problem, remedy) from error
