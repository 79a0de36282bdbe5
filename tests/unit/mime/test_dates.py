"""Dates: RFC 5322 sections 3.3 and 4.3."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from mailkeep.mime import dates


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # RFC 5322 appendix A.1 to A.6
        (b"Fri, 21 Nov 1997 09:55:06 -0600", (1997, 11, 21, 15, 55, 6)),
        (b"Tue, 1 Jul 2003 10:52:37 +0200", (2003, 7, 1, 8, 52, 37)),
        (b"Thu, 13 Feb 1969 23:32:54 -0330", (1969, 2, 14, 3, 2, 54)),
        (b"21 Nov 97 09:55:06 GMT", (1997, 11, 21, 9, 55, 6)),
        (b"Thu,\t 13\t Feb\t 1969\t 23:32\t -0330 (Newfoundland Time)", (1969, 2, 14, 3, 2, 0)),
        (b"Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", (1997, 11, 21, 15, 55, 6)),
        # without a day of the week, without seconds, without a zone
        (b"1 Jan 2024 00:00 +0000", (2024, 1, 1, 0, 0, 0)),
        (b"1 Jan 2024 00:00", (2024, 1, 1, 0, 0, 0)),
        (b"1 Jan 2024", (2024, 1, 1, 0, 0, 0)),
        # section 4.3: zones
        (b"1 Jan 2024 12:00:00 EST", (2024, 1, 1, 17, 0, 0)),
        (b"1 Jan 2024 12:00:00 EDT", (2024, 1, 1, 16, 0, 0)),
        (b"1 Jan 2024 12:00:00 CST", (2024, 1, 1, 18, 0, 0)),
        (b"1 Jan 2024 12:00:00 CDT", (2024, 1, 1, 17, 0, 0)),
        (b"1 Jan 2024 12:00:00 MST", (2024, 1, 1, 19, 0, 0)),
        (b"1 Jan 2024 12:00:00 MDT", (2024, 1, 1, 18, 0, 0)),
        (b"1 Jan 2024 12:00:00 PST", (2024, 1, 1, 20, 0, 0)),
        (b"1 Jan 2024 12:00:00 pdt", (2024, 1, 1, 19, 0, 0)),
        (b"1 Jan 2024 12:00:00 UT", (2024, 1, 1, 12, 0, 0)),
        (b"1 Jan 2024 12:00:00 Z", (2024, 1, 1, 12, 0, 0)),
        (b"1 Jan 2024 12:00:00 A", (2024, 1, 1, 12, 0, 0)),
        (b"1 Jan 2024 12:00:00 -0000", (2024, 1, 1, 12, 0, 0)),
        # section 4.3: years
        (b"1 Jan 49 00:00:00 +0000", (2049, 1, 1, 0, 0, 0)),
        (b"1 Jan 50 00:00:00 +0000", (1950, 1, 1, 0, 0, 0)),
        (b"1 Jan 100 00:00:00 +0000", (2000, 1, 1, 0, 0, 0)),
        # a leap second; a wrong day of the week; what senders write
        (b"Sat, 31 Dec 2016 23:59:60 +0000", (2016, 12, 31, 23, 59, 59)),
        (b"Mon, 21 Nov 1997 09:55:06 -0600", (1997, 11, 21, 15, 55, 6)),
        (b"21 November 1997 09:55:06 +01:00", (1997, 11, 21, 8, 55, 6)),
        (b"Fri Nov 21 09:55:06 1997", (1997, 11, 21, 9, 55, 6)),
        (b"21-Nov-1997 09:55:06 +0000", (1997, 11, 21, 9, 55, 6)),
    ],
)
def test_a_date_is_read(value: bytes, expected: tuple[int, ...]) -> None:
    year, month, day, hour, minute, second = expected
    assert dates.parse(value) == datetime(year, month, day, hour, minute, second, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"yesterday",
        b"31 Feb 2024 00:00:00 +0000",
        b"0 Jan 2024 00:00:00 +0000",
        b"1 Jan 2024 24:00:00 +0000",
        b"1 Jan 2024 00:60:00 +0000",
        b"1 Jan 2024 00:00:61 +0000",
        b"1 Jan 2024 00:00:00 +9900",
        b"1 Jan 10000 00:00:00 +0000",
        b"1 Foo 2024 00:00:00 +0000",
        b"31 Dec 9999 23:00:00 -2300",
        b"1 Jan 0001 00:00:00 +0100",
        b"\xff\xfe\x00",
        b"1" * 100_000,
    ],
)
def test_what_no_calendar_has_is_none(value: bytes) -> None:
    assert dates.parse(value) is None


def test_the_day_as_the_sender_wrote_it() -> None:
    written = dates.parse_local(b"Mon, 1 Jan 2024 23:30:00 -0800")
    assert written is not None
    assert (written.date(), written.utcoffset()) == (date(2024, 1, 1), timedelta(hours=-8))
    assert dates.parse_local(b"never") is None
