"""When an alert is due: at a fixed interval, or by a cron expression in a time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import croniter
from pydantic import AfterValidator, BaseModel, ConfigDict, field_validator, model_validator

from pipeline.settings import Duration


def _is_positive(duration: timedelta) -> timedelta:
    if duration <= timedelta(0):
        msg = "must be longer than 0s"
        raise ValueError(msg)
    return duration


PositiveDuration = Annotated[Duration, AfterValidator(_is_positive)]


class Schedule(BaseModel):
    """When `watch` evaluates an alert.

    Attributes:
        every: The time from one evaluation to the next. Either this or `cron` is set.
        cron: Five fields: minute, hour, day, month, day of the week.
        timezone: The IANA time zone of `cron`. Defaults to UTC.
        paused: Whether `watch` skips the alert. `check` evaluates it all the same.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    every: PositiveDuration | None = None
    cron: str | None = None
    timezone: str | None = None
    paused: bool = False

    @field_validator("cron")
    @classmethod
    def _cron_is_readable(cls, cron: str | None) -> str | None:
        if cron is None:
            return cron
        if len(cron.split()) != 5:  # noqa: PLR2004 - a cron expression has five fields
            msg = f"`{cron}` must have five fields (minute hour day month weekday), without Quartz's seconds."
            raise ValueError(msg)
        if not croniter.is_valid(cron):
            msg = f"`{cron}` is not a valid cron expression; write one such as */2 * * * *."
            raise ValueError(msg)
        return cron

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, timezone: str | None) -> str | None:
        try:
            ZoneInfo(timezone or "UTC")
        except (ZoneInfoNotFoundError, ValueError, OSError):
            msg = f"`{timezone}` is not a known time zone; write one such as Europe/Berlin."
            raise ValueError(msg) from None
        return timezone

    @model_validator(mode="after")
    def _has_either_every_or_cron(self) -> Self:
        if (self.every is None) == (self.cron is None):
            msg = "Write either `every: 2m` or `cron: '*/2 * * * *'`."
            raise ValueError(msg)
        if self.timezone is not None and self.cron is None:
            msg = "`timezone` belongs to `cron`; leave it out with `every`."
            raise ValueError(msg)
        return self

    def next_after(self, moment: datetime) -> datetime:
        """Return the first moment after the given one at which the alert is due, in UTC."""
        if self.every is not None:
            return moment + self.every
        local = moment.astimezone(ZoneInfo(self.timezone or "UTC"))
        due: datetime = croniter(self.cron, local).get_next(datetime)
        return due.astimezone(UTC)

    def __str__(self) -> str:
        """Return the schedule for readers, such as `every 2 min`."""
        text = f"cron {self.cron} ({self.timezone or 'UTC'})" if self.every is None else f"every {in_words(self.every)}"
        return f"{text}, paused" if self.paused else text


def in_words(span: timedelta) -> str:
    """Return a duration for readers: `45 s`, `2 min`, `3 h 5 min`."""
    seconds = round(span.total_seconds())
    hours, minutes = divmod(seconds // 60, 60)
    if seconds < 60:  # noqa: PLR2004 - seconds are shown below a minute only
        return f"{seconds} s"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
