"""Rates and patience by network, on a clock that the test turns."""

from __future__ import annotations

import pytest

from mailkeep.net import rates
from mailkeep.net.rates import Patience, Rate


class Clock:
    """Seconds."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_as_many_at_once_as_in_a_minute(clock: Clock) -> None:
    rate = Rate(60, clock)
    assert [rate.take("192.0.2.1") for _ in range(61)] == [True] * 60 + [False]
    assert rate.take("192.0.2.2")
    clock.now += 1.5
    assert [rate.take("192.0.2.1") for _ in range(2)] == [True, False]
    clock.now += 3600
    assert [rate.take("192.0.2.1") for _ in range(61)].count(True) == 60


def test_an_ipv6_customer_is_one(clock: Clock) -> None:
    rate = Rate(1, clock)
    assert rate.take("2001:db8::1")
    assert not rate.take("2001:db8::2")


def test_no_limit_remembers_nothing(clock: Clock) -> None:
    rate = Rate(0, clock)
    assert all(rate.take("192.0.2.1") for _ in range(1000))
    assert not rate._left


def test_patience_runs_out_and_comes_back(clock: Clock) -> None:
    patience = Patience(limit=10, longest=5.0, clock=clock)
    for _ in range(10):
        patience.refused("192.0.2.1")
    assert patience.delay("192.0.2.1") == 0
    patience.refused("192.0.2.1")
    assert patience.delay("192.0.2.1") == 0.5
    for _ in range(100):
        patience.refused("192.0.2.1")
    assert patience.delay("192.0.2.1") == 5
    assert patience.delay("192.0.2.2") == 0
    clock.now += 4 * rates.PATIENCE_SECONDS
    assert patience.delay("192.0.2.1") == 0


def test_who_sends_real_mail_is_forgiven(clock: Clock) -> None:
    patience = Patience(limit=0, longest=5.0, clock=clock)
    patience.refused("192.0.2.1")
    patience.forgive("192.0.2.1")
    patience.forgive("192.0.2.9")
    assert patience.delay("192.0.2.1") == 0


def test_memory_is_bounded(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "REMEMBERED", 3)
    rate, patience = Rate(1, clock), Patience(0, 5.0, clock)
    for number in range(10):
        rate.take(f"192.0.2.{number}")
        patience.refused(f"192.0.2.{number}")
    assert len(rate._left) == len(patience._refused) == 3
    assert patience.delay("192.0.2.9") > 0
