"""RFC 2449 section 6.5: nobody comes again too soon, and only those who came are kept waiting."""

from __future__ import annotations

import pytest

from mailkeep.pop3.errors import LoggedInLately
from mailkeep_pop3 import logins
from mailkeep_pop3.logins import LastLogins


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_login_too_soon_is_refused_and_a_later_one_is_not() -> None:
    clock = Clock()
    last = LastLogins(60, clock)
    last.check(1)
    last.note(1)
    clock.now += 59.9
    with pytest.raises(LoggedInLately):
        last.check(1)
    last.check(2)
    clock.now += 0.1
    last.check(1)


def test_without_a_delay_nothing_is_remembered() -> None:
    last = LastLogins(0)
    last.note(1)
    last.check(1)
    assert len(last) == 0


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logins, "ACCOUNTS_LIMIT", 10)
    last = LastLogins(60)
    for account_id in range(20):
        last.note(account_id)
    assert len(last) == 10
    last.check(5)
    with pytest.raises(LoggedInLately):
        last.check(15)
