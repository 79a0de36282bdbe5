"""When a digest is due: at the user's time of day, in the operator's time zone, each day or on Mondays."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo

WEEKLY = "weekly"
_DAY = timedelta(days=1)
_MONDAY = 0
_PERIODS = {"daily": _DAY, WEEKLY: 7 * _DAY}


def next_due(frequency: str, time_of_day: str, zone: tzinfo, after: datetime) -> datetime:
    """The first moment after `after`, in UTC. `time_of_day` is HH:MM:SS; one that summer time leaves out on a
    day is taken as if it had not begun yet."""
    at = time.fromisoformat(time_of_day)
    day = after.astimezone(zone).date()
    if frequency == WEEKLY:
        day += (_MONDAY - day.weekday()) % 7 * _DAY
    due = _moment(day, at, zone)
    return due if due > after else _moment(day + period(frequency), at, zone)


def period(frequency: str) -> timedelta:
    """What a digest looks back on."""
    return _PERIODS[frequency]


def _moment(day: date, at: time, zone: tzinfo) -> datetime:
    return datetime.combine(day, at, zone).astimezone(UTC)
