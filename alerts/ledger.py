"""What an alert must not forget across a restart: what readers know, what is unsent, what is unrecorded."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from alerts.decide import Memory
from alerts.deliver import DeliveryError, Notification
from alerts.history import Row  # noqa: TC001 - pydantic reads it at run time
from alerts.lock import held
from alerts.message import Message  # noqa: TC001 - pydantic reads it at run time
from pipeline.errors import EnvironmentFaultError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from alerts.deliver import Destination
    from pipeline.clock import Clock

FIRST_RETRY = timedelta(seconds=15)
LONGEST_RETRY = timedelta(minutes=5)
# A message that its destination refuses for good must not hold back all later ones.
ATTEMPTS_BEFORE_OVERTAKEN = 8


class Target(BaseModel):
    """One destination of a notification, and how delivery to it stands."""

    label: str
    attempts: int = 0
    is_delivered: bool = False
    retry_at: datetime
    error: str | None = None


class Pending(BaseModel):
    """A notification that is not yet delivered everywhere, or not yet recorded as such.

    Attributes:
        id: The notification's id.
        evaluation_id: The evaluation that asked for it.
        message: What is sent.
        targets: Where it goes, by the destinations' keys.
    """

    id: str
    evaluation_id: str
    message: Message
    targets: dict[str, Target]

    @property
    def is_delivered(self) -> bool:
        """Whether every destination has taken it."""
        return all(target.is_delivered for target in self.targets.values())

    @property
    def error(self) -> str | None:
        """Why it is not delivered everywhere; None when it is, or was not tried."""
        errors = [target.error for target in self.targets.values() if target.error and not target.is_delivered]
        return "; ".join(errors) or None

    @property
    def destination(self) -> str:
        """Where it goes, for a reader."""
        return ", ".join(target.label for target in self.targets.values())


class Ledger(BaseModel):
    """An alert's state on disk."""

    memory: Memory = Memory()
    pending: list[Pending] = []
    unrecorded: list[Row] = []

    def next_retry(self) -> datetime | None:
        """Return when the next undelivered notification is to be tried; None when there is none."""
        moments: list[datetime] = []
        for key in {key for pending in self.pending for key in pending.targets}:
            for pending in self.pending:
                target = pending.targets.get(key)
                if target is None or target.is_delivered:
                    continue
                moments.append(target.retry_at)
                if target.attempts < ATTEMPTS_BEFORE_OVERTAKEN:
                    break
        return min(moments, default=None)

    def aim(self, destinations: Sequence[Destination], now: datetime) -> None:
        """Turn what is undelivered from destinations that are gone to those that are there instead.

        So a notification outlives the correction of a mistyped address.
        """
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
        """Send what is undelivered, oldest first, and save after each attempt.

        A destination that fails is left alone until its next retry, the later notifications for it included.

        Args:
            destinations: What can be reached now.
            clock: Tells whether a retry is due.
            save: Puts the ledger on disk.
            at_once: Whether to try before a retry is due.
        """
        self.aim(destinations, clock.now())
        for destination in destinations:
            for pending in self.pending:
                target = pending.targets.get(destination.key)
                if target is None or target.is_delivered:
                    continue
                is_due = at_once or target.retry_at <= clock.now()
                has_gone = is_due and _attempt(pending, target, destination, clock)
                if is_due:
                    save()
                if not has_gone and target.attempts < ATTEMPTS_BEFORE_OVERTAKEN:
                    break


def _attempt(pending: Pending, target: Target, destination: Destination, clock: Clock) -> bool:
    target.attempts += 1
    try:
        destination.send(Notification(pending.id, pending.message))
    except DeliveryError as error:
        target.error = error.problem
        target.retry_at = clock.now() + min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(target.attempts - 1, 10))
        return False
    target.is_delivered = True
    target.error = None
    return True


class LedgerFile:
    """A ledger's file, replaced as a whole, so that a kill leaves either the old or the new one.

    Args:
        home: The lakehouse's folder.
        key: The alert's key.
    """

    def __init__(self, home: Path, key: str) -> None:
        self._path = home / "state" / "alerts" / f"{key}.json"

    def held(self) -> AbstractContextManager[None]:
        """Keep every other process away from this alert."""
        return held(self._path.with_suffix(".lock"))

    def load(self) -> Ledger | None:
        """Return what was saved last; None when nothing was.

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
        """Put a ledger safely on disk.

        Raises:
            EnvironmentFaultError: The file cannot be written.
        """
        draft = self._path.with_suffix(".tmp")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with draft.open("w", encoding="utf-8") as file:
                file.write(ledger.model_dump_json())
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            problem = f"{self._path} cannot be written: {error}."
            raise EnvironmentFaultError(problem, "Free some disk space, or correct the folder's rights.") from error
