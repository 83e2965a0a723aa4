"""Who is told of an update's start and end, and of a flow's failure."""

from __future__ import annotations

import os
import re
import threading
import time
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from pipeline.errors import AuthorError, EnvironmentFaultError, LakehouseError
from pipeline.event_log import Origin

if TYPE_CHECKING:
    from pipeline.event_log import Event, EventLog
    from pipeline.settings import Settings

_TICK_SECONDS = 0.05
_FROM_ENVIRONMENT = re.compile(r"\$\{(\w+)\}")
_MOMENTS = {"INITIALIZING": "on_update_start", "COMPLETED": "on_update_success", "FAILED": "on_update_failure"}
_KINDS = {"on_update_start": "info", "on_update_success": "success"}


class Notifier:
    """Sends notifications while the update goes on; what cannot be delivered is an event, never a failure."""

    def __init__(self, settings: Settings, log: EventLog, update_id: str) -> None:
        self._settings = settings
        self._log = log
        self._update_id = update_id
        self._waiting: SimpleQueue[tuple[str, int, str, Event]] = SimpleQueue()
        self._asked = self._done = 0
        self._sender: threading.Thread | None = None
        if any(urls for _, urls in settings.notifications):
            log.listen(self.take)

    def take(self, event: Event) -> None:
        """Take in an event, and begin to tell those who want to know of it."""
        moment = _moment_of(event)
        if moment is None:
            return
        for position, url in enumerate(getattr(self._settings.notifications, moment), start=1):
            self._asked += 1
            self._waiting.put((moment, position, url, event))
            if self._sender is None:
                # A daemon: a service that does not answer may not keep the program from ending.
                self._sender = threading.Thread(target=self._send_all, name="notifications", daemon=True)
                self._sender.start()

    def finish(self, seconds: float) -> None:
        """Wait until everything is delivered or has failed, so long at most."""
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
            label = _deliver(url, self._settings.name, _KINDS.get(moment, "failure"), event)
        except LakehouseError as error:
            reason = error.problem
        except Exception as error:  # noqa: BLE001 - a notification may fail in any way and must do no harm
            # The text of somebody else's exception may hold the address.
            reason = f"{label} raised {type(error).__name__}"
        status = "FAILED" if reason else "COMPLETED"
        details: dict[str, Any] = {"name": moment, "status": status, "destination": label, "reason": reason}
        origin = Origin(event.origin.pipeline_id, self._settings.name, self._update_id)
        message = f"Notification {moment} to {label} {'was not delivered' if reason else 'was delivered'}."
        self._log.tell(origin, "hook_progress", message, details, level="WARN" if reason else "INFO")


def _moment_of(event: Event) -> str | None:
    if event.event_type == "update_progress":
        return _MOMENTS.get(event.details["state"])
    # A flow's failure is told for each table it fills; one of them has the flow's name.
    is_flow = event.event_type == "flow_progress" and event.origin.dataset_name == event.origin.flow_name
    return "on_flow_failure" if is_flow and event.details["status"] == "FAILED" else None


def _deliver(url: str, pipeline: str, kind: str, event: Event) -> str:
    """Send one notification and return what may be shown of the address."""
    import apprise  # noqa: PLC0415 - slow to import, and most updates tell nobody

    from alerts.deliver import AppriseDestination, Notification  # noqa: PLC0415
    from alerts.message import Message  # noqa: PLC0415

    asset = apprise.AppriseAsset(app_id=pipeline, app_desc=pipeline, async_mode=False)
    service = apprise.Apprise.instantiate(_filled_in(url), asset=asset, suppress_exceptions=True)
    if service is None:
        problem = f"`{url.partition('://')[0]}://****` is no address that Apprise knows"
        raise AuthorError(problem, "Write it as Apprise's documentation shows.")
    destination = AppriseDestination(service)
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
