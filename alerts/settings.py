"""The environment's settings: the lakehouse, the SQL warehouse, and the destinations of notifications."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.foundation.errors import AuthorError, UnknownNameError
from pipeline.foundation.shown import say
from pipeline.home.places import Home
from pipeline.notification.destination import AppriseDestination, Destination, OutboxDestination
from pipeline.warehouse.hive import DEFAULT_URL, database_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from apprise import AppriseAsset

# An address may contain commas (`?to=a@x,b@y`): the next one begins only where a scheme does.
_BETWEEN_URLS = re.compile(r"[\s,]+(?=[A-Za-z][A-Za-z0-9+.-]*://)")


@dataclass(frozen=True)
class Settings:
    """The environment's settings.

    Attributes:
        home: The lakehouse.
        warehouse_url: The SQL warehouse's address.
        alert_urls: Apprise addresses; they contain secrets, so they are never shown.
        config: An Apprise configuration file, whose services may carry tags.
    """

    home: Home
    warehouse_url: str = DEFAULT_URL
    alert_urls: str = ""
    config: Path | None = None

    def __repr__(self) -> str:
        """Return a text without the addresses, which contain secrets."""
        return f"Settings(home={str(self.home.root)!r})"

    @property
    def schema(self) -> str:
        """The schema that the alerts query and record their evaluations in: the warehouse's database.

        Raises:
            AuthorError: The warehouse's address is not a complete one.
        """
        return database_of(self.warehouse_url)


def read_settings(home: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of an environment.

    Args:
        home: Overrides SMART_FACTORY_HOME, which overrides `lakehouse` in the checkout.
        environ: The environment's variables.
    """
    config = environ.get("SMART_FACTORY_ALERT_CONFIG", "").strip()
    return Settings(
        home=Home.find(home),
        warehouse_url=environ.get("SMART_FACTORY_WAREHOUSE_URL") or DEFAULT_URL,
        alert_urls=environ.get("SMART_FACTORY_ALERT_URLS", "").strip(),
        config=Path(config).expanduser() if config else None,
    )


def find_destinations(settings: Settings, tags: Sequence[str], say: Callable[[str], None] = say) -> list[Destination]:
    """Return where an alert's notifications go: the addresses, and the configured services with its tags.

    Without addresses and without a configuration, the only destination is the outbox: the console and a file.

    Args:
        settings: The environment's settings.
        tags: The alert's tags; none means every configured service.
        say: Prints a notification on the console.

    Raises:
        AuthorError: An address or the configuration cannot be used, or no service carries a tag.
    """
    if not settings.alert_urls and settings.config is None:
        return [OutboxDestination(settings.home.alerts.outbox, say)]
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
    urls = filter(None, _BETWEEN_URLS.split(text.strip(" \t\r\n,")))
    return [
        AppriseDestination.at(url, _asset(), f"SMART_FACTORY_ALERT_URLS: address {position}")
        for position, url in enumerate(urls, start=1)
    ]


def _from_config(path: Path) -> list[AppriseDestination]:
    import apprise  # noqa: PLC0415 - slow to import, and not needed without a configuration

    if not path.is_file():
        problem = f"SMART_FACTORY_ALERT_CONFIG: there is no file {path}."
        raise AuthorError(problem, "Name an Apprise configuration file.")
    config = apprise.AppriseConfig(paths=str(path), asset=_asset())
    services = config.services()
    if not services:
        problem = f"{path} names no service that Apprise can use."
        raise AuthorError(problem, f"Test it: apprise --dry-run -c '{path}' -b hello.")
    return [AppriseDestination(service) for service in services]


def _asset() -> AppriseAsset:
    import apprise  # noqa: PLC0415 - slow to import, and not needed without destinations

    return apprise.AppriseAsset(app_id="Smart Factory", app_desc="Smart Factory alerts", async_mode=False)
