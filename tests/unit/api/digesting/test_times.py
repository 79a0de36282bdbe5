"""When a digest is due: the next time that it is so late at the place that the operator named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.settings_api import ApiSettings, zone_of
from mailkeep_api.digesting.times import next_due, period

BERLIN = ZoneInfo("Europe/Berlin")


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("frequency", "after", "due"),
    [
        ("daily", "2026-11-27 07:59:59", "2026-11-27 08:00"),  # 09:00 in Berlin
        ("daily", "2026-11-27 08:00:00", "2026-11-28 08:00"),
        ("daily", "2026-11-26 23:30:00", "2026-11-27 08:00"),  # it is the 27th there already
        ("daily", "2026-03-28 12:00:00", "2026-03-29 07:00"),  # summer time has begun that night
        ("weekly", "2026-11-27 12:00:00", "2026-11-30 08:00"),
        ("weekly", "2026-11-30 07:00:00", "2026-11-30 08:00"),
        ("weekly", "2026-11-30 08:00:00", "2026-12-07 08:00"),
    ],
)
def test_at_the_users_time_of_day(frequency: str, after: str, due: str) -> None:
    assert next_due(frequency, "09:00:00", BERLIN, moment(after)) == moment(due)


def test_a_time_that_summer_time_leaves_out_comes_all_the_same() -> None:
    assert next_due("daily", "02:30:00", BERLIN, moment("2026-03-28 12:00")) == moment("2026-03-29 01:30")


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)),
    st.times().map(lambda at: f"{at:%H:%M:%S}"),
    st.sampled_from(["daily", "weekly"]),
    st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Australia/Lord_Howe"]),
)
def test_it_lies_ahead_and_no_further_than_a_period(
    naive: datetime, at: str, frequency: str, name: str
) -> None:
    after = naive.replace(tzinfo=UTC)
    due = next_due(frequency, at, zone_of(name), after)
    assert after < due <= after + period(frequency) + timedelta(days=1)  # a zone may have left out a day


@pytest.mark.parametrize("name", ["Europe/Nowhere", "../etc/passwd", "", "/etc/localtime"])
def test_a_zone_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="digest_zone"):
        ApiSettings(digest_zone=name)
