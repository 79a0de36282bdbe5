"""Failures are answered later and later, within bounds, and forgotten."""

from __future__ import annotations

import pytest

from mailkeep.auth.throttle import DELAY_LIMIT_SECONDS, HALF_LIFE_SECONDS, Throttle, network_of


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def throttle(clock):
    return Throttle(clock)


def test_the_first_three_are_free_then_delays_double_up_to_a_limit(throttle):
    delays = [throttle.failed("192.0.2.1", "", "") for _ in range(12)]
    assert delays[:3] == [0.0, 0.0, 0.0]
    assert delays[3:8] == [0.5, 1.0, 2.0, 4.0, DELAY_LIMIT_SECONDS]
    assert set(delays[8:]) == {DELAY_LIMIT_SECONDS}


def test_a_million_failures_are_no_slower_than_the_limit(throttle):
    assert max(throttle.failed("192.0.2.1", "a", "p") for _ in range(5000)) == DELAY_LIMIT_SECONDS


def test_counts_halve_in_a_minute(throttle, clock):
    for _ in range(8):
        throttle.failed("192.0.2.1", "", "")
    assert throttle.is_narrow("192.0.2.1", "")
    clock.now += HALF_LIFE_SECONDS
    assert not throttle.is_narrow("192.0.2.1", "")
    clock.now += 10 * HALF_LIFE_SECONDS
    assert throttle.failed("192.0.2.1", "", "") == 0.0


def test_address_prefix_and_network_are_counted_each_on_its_own(throttle):
    for last in range(9):
        throttle.failed(f"192.0.2.{last}", "owner@example.test", "mk_000000000")
    assert throttle.failed("198.51.100.1", "owner@example.test", "") > 0
    assert throttle.failed("198.51.100.2", "", "mk_000000000") > 0
    assert throttle.failed("198.51.100.3", "other@example.test", "mk_111111111") == 0
    assert throttle.is_narrow("198.51.100.4", "mk_000000000")
    assert not throttle.is_narrow("198.51.100.4", "mk_111111111")


def test_an_ipv6_customer_is_one_network(throttle):
    for last in range(9):
        throttle.failed(f"2001:db8::{last:x}", "", "")
    assert throttle.is_narrow("2001:db8::ffff", "")
    assert not throttle.is_narrow("2001:db8:0:1::1", "")


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"),
        ("unix", "unix"),
        ("127.0.0.1", ""),
        ("::1", ""),
        ("::ffff:127.0.0.2", ""),
    ],
)
def test_networks(host, network):
    assert network_of(host) == network


def test_loopback_is_no_network_but_names_count_there_too(throttle):
    for number in range(50):
        assert throttle.failed("127.0.0.1", f"user{number}@example.test", "") == 0.0
    assert not throttle.is_narrow("127.0.0.1", "")
    assert [throttle.failed("::1", "owner@example.test", "") for _ in range(5)] == [0.0, 0.0, 0.0, 0.5, 1.0]


def test_success_clears_the_owners_counts_but_not_the_networks(throttle):
    for _ in range(9):
        throttle.failed("192.0.2.1", "owner@example.test", "mk_000000000")
    throttle.succeeded("owner@example.test", "mk_000000000")
    assert throttle.failed("198.51.100.1", "owner@example.test", "mk_000000000") == 0
    assert throttle.is_narrow("192.0.2.1", "")


def test_memory_is_bounded_and_the_longest_unseen_go_first(clock):
    throttle = Throttle(clock, limit=100)
    for number in range(1000):
        throttle.failed("192.0.2.1", "a" * 10_000 + str(number), f"mk_{number}")
    assert len(throttle) == 100
    assert throttle.is_narrow("192.0.2.1", "")  # seen all the time: still there


def test_a_trusted_proxy_is_no_network_and_those_behind_it_are(clock):
    throttle = Throttle(clock, proxies=["203.0.113.0/28", "2001:db8:ffff::/64"])
    for number in range(50):
        for proxy in ("203.0.113.7", "::ffff:203.0.113.7", "2001:db8:ffff::1"):
            assert throttle.failed(proxy, f"user{number}@example.test", "") == 0.0
    assert not throttle.is_narrow("203.0.113.7", "")
    for _ in range(9):
        throttle.failed("203.0.113.16", "", "")
    assert throttle.is_narrow("203.0.113.16", "")
