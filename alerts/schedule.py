"""When an alert is due: every so often, or by a cron expression in a time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import croniter
from pydantic import BaseModel, BeforeValidator, ConfigDict, field_validator, model_validator

from pipeline.clock import parse_duration
from pipeline.errors import AuthorError


def read_duration(value: object) -> object:
    """Return the duration that a text names; anything else is left for the model to refuse.

    Raises:
        ValueError: The text names no duration, or one that is not longer than nothing.
    """
    if not isinstance(value, str):
        return value
    try:
        duration = parse_duration(value)
    except AuthorError as error:
        raise ValueError(str(error)) from None
    if duration <= timedelta(0):
        msg = f"`{value}` must be longer than nothing."
        raise ValueError(msg)
    return duration


Duration = Annotated[timedelta, BeforeValidator(read_duration)]


class Schedule(BaseModel):
    """When an alert is evaluated by `watch`.

    Attributes:
        every: The time from one evaluation to the next. Either this or `cron` is set.
        cron: Five fields: minute, hour, day, month, day of the week.
        timezone: The IANA zone that `cron` is read in. Defaults to UTC.
        paused: Whether `watch` leaves the alert alone. `check` evaluates it all the same.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    every: Duration | None = None
    cron: str | None = None
    timezone: str | None = None
    paused: bool = False

    @field_validator("cron")
    @classmethod
    def _cron_is_readable(cls, cron: str | None) -> str | None:
        if cron is None:
            return cron
        if len(cron.split()) != 5:  # noqa: PLR2004 - five fields are what a cron expression has
            msg = f"`{cron}` must have five fields (minute hour day month weekday); Quartz's seconds go."
            raise ValueError(msg)
        if not croniter.is_valid(cron):
            msg = f"`{cron}` is no cron expression; write one such as */2 * * * *."
            raise ValueError(msg)
        return cron

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, timezone: str | None) -> str | None:
        try:
            ZoneInfo(timezone or "UTC")
        except (ZoneInfoNotFoundError, ValueError, OSError):
            msg = f"`{timezone}` is no time zone; write one such as Europe/Berlin."
            raise ValueError(msg) from None
        return timezone

    @model_validator(mode="after")
    def _has_one_rhythm(self) -> Self:
        if (self.every is None) == (self.cron is None):
            msg = "Write either `every: 2m` or `cron: '*/2 * * * *'`."
            raise ValueError(msg)
        if self.timezone is not None and self.cron is None:
            msg = "`timezone` belongs to `cron`; `every` needs none."
            raise ValueError(msg)
        return self

    def next_after(self, moment: datetime) -> datetime:
        """Return the first moment after the given one at which the alert is due, in UTC."""
        if self.every is not None:
            return moment + self.every
        local = moment.astimezone(ZoneInfo(self.timezone or "UTC"))
        due: datetime = croniter(self.cron, local).get_next(datetime)
        return due.astimezone(UTC)
