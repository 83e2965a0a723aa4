"""Suite parameters: values relative to the present that an expectation asks for, such as `ago_24h`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipeline.foundation.clock import parse_duration
from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from collections.abc import Iterable

_KEY = "$PARAMETER"
_PREFIX = "ago_"


def parameters_of(kwargs: Any, where: str) -> tuple[str, ...]:
    """Return the names of the suite parameters in an expectation's arguments.

    Raises:
        AuthorError: One of them is not a known parameter.
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
    """Return how long before the present a parameter's value is."""
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
    problem = f"{where}: `{name}` is not a suite parameter."
    raise AuthorError(problem, "Write ago_ and a duration, such as ago_24h for the time 24 hours before the update.")
