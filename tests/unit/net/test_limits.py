"""Counting connections by network."""

from __future__ import annotations

import pytest

from mailkeep.errors import TooManyConnections
from mailkeep.net.limits import ConnectionLimiter, network_of


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("a-unix-socket", "a-unix-socket"),
    ],
)
def test_a_peer_is_counted_under_its_network(host: str, network: str) -> None:
    assert network_of(host) == network


def test_the_total_is_kept() -> None:
    limiter = ConnectionLimiter(total=2, per_network=2)
    first = limiter.admit("192.0.2.1")
    limiter.admit("192.0.2.2")
    with pytest.raises(TooManyConnections, match="this server"):
        limiter.admit("192.0.2.3")
    first()
    limiter.admit("192.0.2.3")
    assert limiter.count == 2


def test_one_ipv6_customer_counts_once_however_many_addresses_it_uses() -> None:
    limiter = ConnectionLimiter(total=10, per_network=2)
    limiter.admit("2001:db8::1")
    limiter.admit("2001:db8::2")
    with pytest.raises(TooManyConnections, match="your network"):
        limiter.admit("2001:db8::3")
    limiter.admit("2001:db8:0:1::1")


def test_releasing_twice_frees_one_place() -> None:
    limiter = ConnectionLimiter(total=2, per_network=2)
    release = limiter.admit("192.0.2.1")
    limiter.admit("192.0.2.1")
    release()
    release()
    assert limiter.count == 1


def test_nothing_is_remembered_of_networks_that_left() -> None:
    limiter = ConnectionLimiter(total=10, per_network=10)
    for number in range(200):
        limiter.admit(f"192.0.2.{number}")()
    assert limiter.count == 0
    assert not limiter._open
