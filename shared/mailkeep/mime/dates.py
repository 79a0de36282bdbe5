"""Date fields (RFC 5322 section 3.3, obsolete forms of section 4.3) as aware datetimes in UTC.

The day of the week is ignored: senders get it wrong and nothing depends on it. What is no date, or none that
a calendar has, is None.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

DATE_LIMIT = 256  # octets of a date field that are looked at

_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, start=1)}
# RFC 5322 section 4.3; military and unknown zones count as -0000.
_ZONES = {"edt": -4, "est": -5, "cdt": -5, "cst": -6, "mdt": -6, "mst": -7, "pdt": -7, "pst": -8}
# As nearly everybody writes it; what follows changes nothing.
_USUAL = re.compile(
    r"(?:[A-Z][a-z]{2}, )?([0-9]{1,2}) ([A-Z][a-z]{2}) ([0-9]{4})"
    r" ([0-9]{2}):([0-9]{2}):([0-9]{2}) ([+-][0-9]{4})"
)
_DATE = re.compile(
    r"(?:[a-z]+\s*,?\s*)?(\d{1,2})[\s-]+([a-z]{3})[a-z]*[\s,-]+(\d{2,5})"
    r"(?:[\s,]+(\d{1,2})\s*[:.]\s*(\d{2})(?:\s*[:.]\s*(\d{2})(?:\.\d+)?)?(?:\s*([+-]\d{4}|[+-]\d{2}:\d{2}|[a-z]+))?)?",
    re.IGNORECASE | re.ASCII,
)
_ASCTIME = re.compile(
    r"(?:[a-z]{3}\s+)?([a-z]{3})\s+(\d{1,2})\s+(\d{1,2}):(\d{2}):(\d{2})\s+(?:([a-z]{3,4}|[+-]\d{4})\s+)?(\d{4})",
    re.IGNORECASE | re.ASCII,
)
_COMMENT = re.compile(r"\([^()]*\)")


def parse(value: bytes) -> datetime | None:
    """The moment that an unfolded Date field names, in UTC; None if it names none."""
    written = parse_local(value)
    try:
        return None if written is None else written.astimezone(UTC)
    except OverflowError:
        return None


def parse_local(value: bytes) -> datetime | None:
    """The same in the sender's own zone, whose day is what SENTON asks for (RFC 9051 section 6.4.4)."""
    text = value[:DATE_LIMIT].decode("latin-1")
    match = _USUAL.match(text)
    if match is None:
        text = (_COMMENT.sub(" ", text) if "(" in text else text).strip()
        match = _DATE.match(text)
    if match:
        day, month, year, hour, minute, second, zone = match.groups()
    else:
        match = _ASCTIME.match(text)
        if match is None:
            return None
        month, day, hour, minute, second, zone, year = match.groups()
    number = _MONTHS.get(month.lower())
    if number is None:
        return None
    try:
        # A leap second has no place in a datetime: it counts as the one before.
        time = (int(hour or 0), int(minute or 0), 59 if second == "60" else int(second or 0))
        return datetime(_year(year), number, int(day), *time, tzinfo=_zone(zone))
    except ValueError:
        return None


def _year(digits: str) -> int:
    """RFC 5322 section 4.3: two digits up to 49 are this century's, other short years the last one's."""
    year = int(digits)
    if len(digits) == 2 and year < 50:
        return year + 2000
    return year + 1900 if len(digits) < 4 else year


@lru_cache(maxsize=256)
def _zone(zone: str | None) -> timezone:
    if zone is None or zone[0] not in "+-":
        return timezone(timedelta(hours=_ZONES.get((zone or "").lower(), 0)))
    digits = zone[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    if offset >= timedelta(days=1):
        raise ValueError("no such zone")
    return timezone(-offset if zone[0] == "-" else offset)
