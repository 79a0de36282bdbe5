"""What makes a right secret not enough: pure rules over facts, in the order in which they are asked."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from datetime import datetime, timedelta

from mailkeep.auth.reasons import Reason
from mailkeep.auth.verified import VerifiedKey
from mailkeep.errors import InvalidName
from mailkeep.model.directory import User
from mailkeep.model.principal import Peer
from mailkeep.storage.interface import StoredKey

NETWORKS_LIMIT = 64
"""Networks of one key."""

AGELESS = timedelta(days=1)
"""A token that does not say when it was issued lives no longer, or its issuer is careless."""


def objection(verified: VerifiedKey, peer: Peer, now: datetime) -> Reason | None:
    """Why this key may not be used now and from there, or None."""
    key_says = key_ended(verified.key, now)
    if key_says is not None:
        return key_says
    if not network_allowed(verified.key.networks, peer.host):
        return Reason.NETWORK
    return user_ended(verified.user) if verified.key.user_id is not None else None


def key_ended(key: StoredKey | None, now: datetime) -> Reason | None:
    """Why the key is over, or None."""
    if key is None or key.revoked_at is not None:
        return Reason.REVOKED
    if key.expires_at is not None and key.expires_at <= now:
        return Reason.EXPIRED
    return None


def user_ended(user: User | None) -> Reason | None:
    """Why the key's user may not log in, or None."""
    if user is None:
        return Reason.USER_GONE
    return Reason.USER_DISABLED if user.disabled else None


def signed_out(user: User | None, issued_at: datetime | None, now: datetime) -> bool:
    """True for a token from before its user ended all sign-ins. Tokens tell their time in whole seconds, so
    one of that very second is from before. One that tells no time is taken for an old one for a day."""
    if user is None or user.sign_ins_from is None:
        return False
    if issued_at is None:
        return now < user.sign_ins_from + AGELESS
    return issued_at <= user.sign_ins_from.replace(microsecond=0)


def network_allowed(networks: Iterable[str], host: str) -> bool:
    """True if there is no restriction, or the host lies in one of the networks. What cannot be read as
    an address lies in none."""
    networks = tuple(networks)
    if not networks:
        return True
    address = parse_host(host)
    if address is None:
        return False
    return any(address in ipaddress.ip_network(network) for network in networks)


def parse_host(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The client's address, IPv4 also when mapped into IPv6; None if it is none."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def networks_within(inner: Iterable[str], outer: Iterable[str]) -> bool:
    """True if each of `inner` lies in one of `outer`; everything lies in no network at all, which is no
    restriction. Both are normal."""
    around = [ipaddress.ip_network(network) for network in outer]
    return not around or all(
        any(one.version == other.version and one.subnet_of(other) for other in around)  # type: ignore[arg-type]
        for one in map(ipaddress.ip_network, inner)
    )


def normal_networks(networks: Iterable[str]) -> tuple[str, ...]:
    """Networks in CIDR notation, normal form, each once; a single address is a network of one.

    Raises InvalidName with a sentence that names the wrong one.
    """
    normal: dict[str, None] = {}
    for network in networks:
        try:
            normal[str(ipaddress.ip_network(network.strip()))] = None
        except ValueError:
            raise InvalidName(
                f"'{network[:80]}' is not a network; write it like 192.0.2.0/24 or 2001:db8::/32."
            ) from None
    if len(normal) > NETWORKS_LIMIT:
        raise InvalidName(f"A key can name at most {NETWORKS_LIMIT} networks.")
    return tuple(normal)
