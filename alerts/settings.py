"""What the environment says: where the lakehouse is, where queries are answered, who is told."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alerts.deliver import AppriseDestination, Destination, OutboxDestination
from alerts.warehouse import DEFAULT_URL
from pipeline.errors import AuthorError, UnknownNameError
from pipeline.home import Home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from apprise import AppriseAsset

# An address may hold commas of its own (`?to=a@x,b@y`): a new one begins only where a scheme does.
_BETWEEN_URLS = re.compile(r"[\s,]+(?=[A-Za-z][A-Za-z0-9+.-]*://)")


@dataclass(frozen=True)
class Settings:
    """What the environment says.

    Attributes:
        home: The lakehouse's folder.
        warehouse_url: The SQL warehouse's address.
        alert_urls: Apprise addresses; they hold secrets, so they are never shown.
        config: An Apprise configuration file, whose services may carry tags.
    """

    home: Path
    warehouse_url: str = DEFAULT_URL
    alert_urls: str = ""
    config: Path | None = None

    def __repr__(self) -> str:
        """Return a text without the addresses, which hold secrets."""
        return f"Settings(home={str(self.home)!r})"


def read_settings(home: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of an environment.

    Args:
        home: Overrides SMART_FACTORY_HOME, which overrides `lakehouse` in the checkout.
        environ: Where the rest is read from.
    """
    config = environ.get("SMART_FACTORY_ALERT_CONFIG", "").strip()
    return Settings(
        home=Home.find(home).root,
        warehouse_url=environ.get("SMART_FACTORY_WAREHOUSE_URL") or DEFAULT_URL,
        alert_urls=environ.get("SMART_FACTORY_ALERT_URLS", "").strip(),
        config=Path(config).expanduser() if config else None,
    )


def say_to_console(text: str) -> None:
    """Show a text to whoever started the process."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def find_destinations(
    settings: Settings, tags: Sequence[str], say: Callable[[str], None] = say_to_console
) -> list[Destination]:
    """Return where an alert's notifications go: the addresses, and the configured services with its tags.

    Without any there is one destination left, the console and a file.

    Args:
        settings: What the environment says.
        tags: The alert's tags; none means every configured service.
        say: What shows a notification on the console.

    Raises:
        AuthorError: An address or the configuration cannot be used, or a tag is carried by no service.
    """
    if not settings.alert_urls and settings.config is None:
        return [OutboxDestination(settings.home / "state" / "alerts" / "outbox.jsonl", say)]
    configured = _from_config(settings.config) if settings.config is not None else []
    known = {tag for destination in configured for tag in destination.tags}
    for tag in tags:
        if settings.config is not None and tag not in known:
            kind = "tag"
            raise UnknownNameError(kind, tag, known, settings.config.name)
    chosen = [one for one in configured if not tags or one.tags & set(tags)]
    return _each_once([*_from_urls(settings.alert_urls), *chosen])


def _each_once(destinations: Iterable[AppriseDestination]) -> list[Destination]:
    return list({destination.key: destination for destination in destinations}.values())


def _from_urls(text: str) -> list[AppriseDestination]:
    import apprise  # noqa: PLC0415 - slow to import, and useless without an address

    destinations = []
    for position, url in enumerate(filter(None, _BETWEEN_URLS.split(text.strip(" \t\r\n,"))), start=1):
        service = apprise.Apprise.instantiate(url, asset=_asset(), suppress_exceptions=True)
        if service is None:
            scheme = url.partition("://")[0] if "://" in url else "(no scheme)"
            problem = f"SMART_FACTORY_ALERT_URLS: address {position} ({scheme}://****) is none that Apprise knows."
            raise AuthorError(problem, "Write it as Apprise's documentation shows, such as slack://A/B/C/#channel.")
        destinations.append(AppriseDestination(service))
    return destinations


def _from_config(path: Path) -> list[AppriseDestination]:
    import apprise  # noqa: PLC0415 - slow to import, and useless without a configuration

    if not path.is_file():
        problem = f"SMART_FACTORY_ALERT_CONFIG: there is no file {path}."
        raise AuthorError(problem, "Name an Apprise configuration file.")
    config = apprise.AppriseConfig(paths=str(path), asset=_asset())
    services = config.services()
    if not services:
        problem = f"{path} names no service that Apprise can use."
        raise AuthorError(problem, f"Try it out: apprise --dry-run -c '{path}' -b hello.")
    return [AppriseDestination(service) for service in services]


def _asset() -> AppriseAsset:
    import apprise  # noqa: PLC0415 - see its callers

    return apprise.AppriseAsset(app_id="Smart Factory", app_desc="Smart Factory alerts", async_mode=False)
