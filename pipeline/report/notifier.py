"""Notifications of an update's start and end, and of a flow's failure."""

from __future__ import annotations

import os
import re
import threading
import time
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from pipeline.events.event import Event, Origin
from pipeline.foundation.errors import EnvironmentFaultError, LakehouseError

if TYPE_CHECKING:
    from pipeline.events.log import EventLog
    from pipeline.settings import Settings

_TICK_SECONDS = 0.05
_FROM_ENVIRONMENT = re.compile(r"\$\{(\w+)\}")
_MOMENTS = {"INITIALIZING": "on_update_start", "COMPLETED": "on_update_success", "FAILED": "on_update_failure"}
_KINDS = {"on_update_start": "info", "on_update_success": "success"}


@dataclass
class Notifier:
    """Sends notifications while the update goes on; one that cannot be delivered is an event, never a failure."""

    settings: Settings
    log: EventLog
    update_id: str

    def __post_init__(self) -> None:
        self._waiting: SimpleQueue[tuple[str, int, str, Event]] = SimpleQueue()
        self._asked = self._done = 0
        self._sender: threading.Thread | None = None
        self.log.listen(self.take)

    def take(self, event: Event) -> None:
        """Queue the notifications that the settings ask for about an event."""
        moment = _moment_of(event)
        if moment is None:
            return
        for position, url in enumerate(getattr(self.settings.notifications, moment), start=1):
            self._asked += 1
            self._waiting.put((moment, position, url, event))
            if self._sender is None:
                # A daemon, because a service that does not answer must not keep the program from ending.
                self._sender = threading.Thread(target=self._send_all, name="notifications", daemon=True)
                self._sender.start()

    def finish(self, seconds: float) -> None:
        """Wait until every notification is delivered or has failed, up to this many seconds."""
        for _ in range(int(seconds / _TICK_SECONDS)):
            if self._done == self._asked:
                return
            time.sleep(_TICK_SECONDS)

    def _send_all(self) -> None:
        while True:
            self._send(*self._waiting.get())
            self._done += 1

    def _send(self, moment: str, position: int, url: str, event: Event) -> None:
        label, reason = f"address {position}", ""
        try:
            label = _deliver(url, label, self.settings.name, _KINDS.get(moment, "failure"), event)
        except LakehouseError as error:
            reason = error.problem
        except Exception as error:  # noqa: BLE001 - a notification may fail in any way and must do no harm
            # The text of a library's exception may contain the address and its secrets.
            reason = f"{label} raised {type(error).__name__}"
        status = "FAILED" if reason else "COMPLETED"
        details: dict[str, Any] = {"name": moment, "status": status, "destination": label, "reason": reason}
        origin = Origin(event.origin.pipeline_id, self.settings.name, self.update_id)
        message = f"Notification {moment} to {label} {'was not delivered' if reason else 'was delivered'}."
        self.log.emit(origin, "hook_progress", message, details, level="WARN" if reason else "INFO")


def _moment_of(event: Event) -> str | None:
    if event.event_type == "update_progress":
        return _MOMENTS.get(event.details["state"])
    # A flow's failure is logged for each of its tables; one of them has the flow's name.
    is_flow = event.event_type == "flow_progress" and event.origin.dataset_name == event.origin.flow_name
    return "on_flow_failure" if is_flow and event.details["status"] == "FAILED" else None


def _deliver(url: str, name: str, pipeline: str, kind: str, event: Event) -> str:
    """Send one notification, and return the part of the address that may be shown."""
    import apprise  # noqa: PLC0415 - slow to import, and most updates notify nobody

    from pipeline.notification.destination import (  # noqa: PLC0415
        AppriseDestination,
        Message,
        Notification,
    )

    asset = apprise.AppriseAsset(app_id=pipeline, app_desc=pipeline, async_mode=False)
    destination = AppriseDestination.at(_filled_in(url), asset, name)
    body = str(event.error) if event.error else event.message
    destination.send(Notification(event.id[:12], Message(f"{pipeline}: {event.message}"[:200], body, kind)))
    return destination.label


def _filled_in(url: str) -> str:
    def value(match: re.Match[str]) -> str:
        found = os.environ.get(match[1])
        if not found:
            problem = f"the environment has no {match[1]}"
            raise EnvironmentFaultError(problem, "Set it before the update starts.")
        return found

    return _FROM_ENVIRONMENT.sub(value, url)
