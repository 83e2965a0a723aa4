"""Suite parameters: values of the moment that an expectation asks for, such as `ago_24h`."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

from pipeline.clock import parse_duration
from pipeline.errors import AuthorError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

_KEY = "$PARAMETER"
_PREFIX = "ago_"


def parameters_of(kwargs: Any, where: str) -> tuple[str, ...]:
    """Return the names of the suite parameters in an expectation's arguments.

    Raises:
        AuthorError: One of them has no meaning here.
    """
    found: list[str] = []
    if isinstance(kwargs, dict):
        if _KEY in kwargs:
            return (_checked(str(kwargs[_KEY]), where),)
        found = [name for value in kwargs.values() for name in parameters_of(value, where)]
    elif isinstance(kwargs, list | tuple):
        found = [name for value in kwargs for name in parameters_of(value, where)]
    return tuple(dict.fromkeys(found))


def age_of(name: str) -> timedelta:
    """Return how long ago the moment is that a parameter stands for."""
    return parse_duration(name.removeprefix(_PREFIX))


def values_at(names: Iterable[str], now: datetime) -> dict[str, str]:
    """Return each parameter's value, as Great Expectations compares it with a timestamp column in UTC."""
    return {name: (now - age_of(name)).astimezone(UTC).replace(tzinfo=None).isoformat() for name in names}


def _checked(name: str, where: str) -> str:
    try:
        if name.startswith(_PREFIX):
            age_of(name)
            return name
    except AuthorError:
        pass
    problem = f"{where}: there is no suite parameter `{name}`."
    raise AuthorError(problem, "Write ago_ and a duration, such as ago_24h: the moment that long before the update.")
