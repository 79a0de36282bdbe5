"""When a key ends, as it is typed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep_cli.expiry import EXPIRY, parse_expiry

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("90d", NOW + timedelta(days=90)),
        ("12h", NOW + timedelta(hours=12)),
        (" 2W ", NOW + timedelta(weeks=2)),
        ("30m", NOW + timedelta(minutes=30)),
        ("45s", NOW + timedelta(seconds=45)),
        ("2027-01-31", datetime(2027, 2, 1, tzinfo=UTC)),  # the whole of that day is still good
        ("2027-01-31T12:00", datetime(2027, 1, 31, 12, tzinfo=UTC)),
        ("2027-01-31T12:00:00+02:00", datetime(2027, 1, 31, 10, tzinfo=UTC)),
        ("2027-01-31T12:00:00Z", datetime(2027, 1, 31, 12, tzinfo=UTC)),
    ],
)
def test_dates_times_and_spans(text, moment):
    assert parse_expiry(text, NOW) == moment


@pytest.mark.parametrize(
    "text",
    ["", "never", "90", "d", "-1d", "1.5d", "90 d", "2027-02-30", "31.1.2027", "9999999d", "9999-12-31"],
)
def test_what_names_no_moment(text):
    assert parse_expiry(text, NOW) is None


@given(st.text(max_size=30))
def test_any_text_gives_an_aware_moment_or_none(text):
    moment = parse_expiry(text, NOW)
    assert moment is None or moment.tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "why"), [("0s", "past"), ("2020-01-01", "past"), ("99999d", "hundred years")]
)
def test_no_key_ends_before_it_begins_or_after_everybody(text, why):
    with pytest.raises(click.BadParameter, match=why):
        EXPIRY.convert(text, None, None)
