"""When a key ends, as an operator types it: a date, a time, or how long from now."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta

import click

_SPAN = re.compile(r"(\d{1,6})([smhdw])\Z")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
LONGEST = timedelta(days=100 * 366)


class ExpiryType(click.ParamType[datetime]):
    """2027-01-31 (the end of that day, UTC), 2027-01-31T12:00:00+01:00, 90d, 12h."""

    name = "when"

    def convert(
        self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """An aware time in UTC, in the future."""
        moment = value if isinstance(value, datetime) else parse_expiry(value, datetime.now(UTC))
        if moment is None:
            self.fail(f"'{value}' is neither a date like 2027-01-31 nor a span like 90d or 12h.", param, ctx)
        if moment <= datetime.now(UTC):
            self.fail(f"'{value}' lies in the past.", param, ctx)
        if moment > datetime.now(UTC) + LONGEST:
            self.fail(f"'{value}' is more than a hundred years away.", param, ctx)
        return moment


class SpanType(click.ParamType[timedelta]):
    """90d, 12h, 30m, 0s."""

    name = "span"

    def convert(
        self, value: str | timedelta, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """How long."""
        span = value if isinstance(value, timedelta) else parse_span(value)
        if span is None:
            self.fail(f"'{value}' is not a span like 90d, 12h or 30m.", param, ctx)
        return span


class MomentType(click.ParamType[datetime]):
    """2027-01-31 (the beginning of that day, UTC), 2027-01-31T12:00:00+01:00."""

    name = "moment"

    def convert(
        self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """An aware time in UTC."""
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value.strip())
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(f"'{value}' is not a time like 2027-01-31 or 2027-01-31T12:00+01:00.", param, ctx)


EXPIRY = ExpiryType()
MOMENT = MomentType()
SPAN = SpanType()


def parse_span(text: str) -> timedelta | None:
    """How long `text` says; None if it says nothing of the kind."""
    span = _SPAN.match(text.strip().lower())
    return timedelta(**{_UNITS[span[2]]: int(span[1])}) if span else None


def parse_expiry(text: str, now: datetime) -> datetime | None:
    """The moment that `text` names, in UTC; None if it names none. A time without a zone is UTC."""
    span = parse_span(text)
    try:
        if span is not None:
            return now + span
        if len(text.strip()) == len("2027-01-31"):
            day = date.fromisoformat(text.strip())
            return datetime.combine(day + timedelta(days=1), time(), UTC)
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
