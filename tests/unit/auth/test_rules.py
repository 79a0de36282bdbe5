"""Networks, expiry, revocation, users: the rules alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from mailkeep.auth.reasons import Reason
from mailkeep.auth.rules import key_ended, network_allowed, normal_networks, objection, user_ended
from mailkeep.auth.verified import VerifiedKey
from mailkeep.errors import InvalidName
from mailkeep.model.directory import User
from mailkeep.model.principal import Peer
from mailkeep.storage.interface import StoredKey

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def key(**given):
    return StoredKey(**{"id": uuid4(), "user_id": None, "name": "", "prefix": "", "hash": b"", **given})


def user(*, disabled=False):
    return User(uuid4(), 1, "mailkeep", "a@example.test", "", "a@example.test", disabled, NOW, None)


@pytest.mark.parametrize(
    ("networks", "host", "allowed"),
    [
        ((), "192.0.2.1", True),
        ((), "", True),
        (("192.0.2.0/24",), "192.0.2.255", True),
        (("192.0.2.0/24",), "192.0.3.0", False),
        (("192.0.2.0/24",), "::ffff:192.0.2.7", True),  # IPv4 on a socket of IPv6
        (("192.0.2.0/24", "2001:db8::/32"), "2001:db8:1::1", True),
        (("2001:db8::/32",), "2001:db9::1", False),
        (("2001:db8::/32",), "192.0.2.1", False),
        (("fe80::/10",), "fe80::1%eth0", True),
        (("0.0.0.0/0",), "unix", False),
        (("0.0.0.0/0", "::/0"), "", False),
    ],
)
def test_networks(networks, host, allowed):
    assert network_allowed(networks, host) is allowed


def test_networks_are_kept_in_normal_form_and_once():
    given_networks = [" 192.0.2.0/24", "192.0.2.0/255.255.255.0", "2001:DB8::/32", "192.0.2.9"]
    assert normal_networks(given_networks) == ("192.0.2.0/24", "2001:db8::/32", "192.0.2.9/32")


@pytest.mark.parametrize("network", ["", "example.test", "192.0.2.1/24", "192.0.2.0/33", "::/129", "1.2.3"])
def test_what_is_no_network_is_refused_by_name(network):
    with pytest.raises(InvalidName, match="is not a network"):
        normal_networks([network])


def test_a_key_names_at_most_sixty_four_networks():
    assert len(normal_networks(f"192.0.2.{last}" for last in range(64))) == 64
    with pytest.raises(InvalidName, match="at most 64"):
        normal_networks(f"192.0.2.{last}" for last in range(65))


def test_when_a_key_ends():
    assert key_ended(key(), NOW) is None
    assert key_ended(key(expires_at=NOW + SECOND), NOW) is None
    assert key_ended(key(expires_at=NOW), NOW) is Reason.EXPIRED
    assert key_ended(key(revoked_at=NOW, expires_at=NOW - SECOND), NOW) is Reason.REVOKED
    assert key_ended(None, NOW) is Reason.REVOKED


def test_when_a_user_ends():
    assert user_ended(user()) is None
    assert user_ended(user(disabled=True)) is Reason.USER_DISABLED
    assert user_ended(None) is Reason.USER_GONE


def test_the_order_of_objections():
    peer = Peer("192.0.2.1")
    owned = {"user_id": uuid4(), "networks": ("198.51.100.0/24",)}
    revoked = VerifiedKey(key(revoked_at=NOW, **owned), user(disabled=True))
    elsewhere = VerifiedKey(key(**owned), user(disabled=True))
    disabled = VerifiedKey(key(user_id=uuid4()), user(disabled=True))
    service = VerifiedKey(key(), None)
    assert objection(revoked, peer, NOW) is Reason.REVOKED
    assert objection(elsewhere, peer, NOW) is Reason.NETWORK
    assert objection(disabled, peer, NOW) is Reason.USER_DISABLED
    assert objection(VerifiedKey(key(user_id=uuid4()), None), peer, NOW) is Reason.USER_GONE
    assert objection(service, peer, NOW) is None
