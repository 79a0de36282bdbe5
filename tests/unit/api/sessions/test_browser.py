"""Sessions in memory: how many there may be, how long they live, and that nothing is left of ended ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from mailkeep.auth import Authenticator
from mailkeep.errors import Throttled
from mailkeep_api.sessions.browser import BrowserSessions, Connection

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LIFE = timedelta(hours=1)


def sessions(limit: int = 2) -> BrowserSessions:
    """Of browsers that connect accounts: the authenticator is for those who sign in."""
    return BrowserSessions(cast(Authenticator, None), LIFE.total_seconds(), limit)


def account(lives: timedelta = LIFE) -> Connection:
    return Connection("gmail", "ann@gmail.example", "hush", NOW + lives)


def test_one_more_than_the_limit_is_told_to_wait_until_another_has_ended() -> None:
    kept = sessions(limit=2)
    first, _ = kept.connect("", account(), NOW)
    second, _ = kept.connect("", account(timedelta(minutes=5)), NOW)
    with pytest.raises(Throttled):
        kept.connect("", account(), NOW)
    assert kept.connect(first, account(), NOW)[0] != first  # a browser that has one needs no other
    later = NOW + timedelta(minutes=6)
    kept.connect("", account(), later)
    assert kept.find(second, later) is None


@pytest.mark.parametrize("token", [timedelta(minutes=5), timedelta(hours=5)])
def test_the_shorter_of_the_setting_and_the_token_ends_it(token: timedelta) -> None:
    kept = sessions()
    id, _ = kept.connect("", account(token), NOW)
    end = NOW + min(LIFE, token)
    assert kept.find(id, end - timedelta(seconds=1)) is not None
    assert kept.find(id, end) is None


def test_the_cleaner_leaves_nothing_of_what_has_ended() -> None:
    kept = sessions()
    kept.connect("", account(timedelta(minutes=5)), NOW)
    going_on, _ = kept.connect("", account(), NOW)
    kept.clean(NOW + timedelta(minutes=5))
    assert len(kept) == 1
    assert kept.find(going_on, NOW + timedelta(minutes=5)) is not None
    assert "hush" not in repr(kept.find(going_on, NOW))
