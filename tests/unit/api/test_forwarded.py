"""Who is behind a trusted proxy, by X-Forwarded-For."""

from __future__ import annotations

import pytest
from fastapi.requests import HTTPConnection

from mailkeep.net.networks import Networks
from mailkeep_api.forwarded import behind, client_of

TRUSTED = ("203.0.113.0/28", "2001:db8:ffff::/64")


@pytest.mark.parametrize(
    ("forwarded", "host"),
    [
        (["192.0.2.1"], "192.0.2.1"),
        (["2001:db8::1"], "2001:db8::1"),
        (["10.0.0.1, 192.0.2.1"], "192.0.2.1"),  # the first was written by the client itself
        (["192.0.2.1, 203.0.113.2"], "192.0.2.1"),
        (["198.51.100.9", "192.0.2.1,203.0.113.2, 2001:db8:ffff::2"], "192.0.2.1"),
        (["203.0.113.2"], ""),
        (["192.0.2.1, unknown"], ""),
        ([""], ""),
        ([], ""),
    ],
)
def test_the_last_that_is_no_proxy(forwarded: list[str], host: str) -> None:
    assert behind(forwarded, Networks(TRUSTED)) == host


@pytest.mark.parametrize(
    ("peer", "trusted", "host"),
    [
        ("203.0.113.2", TRUSTED, "192.0.2.1"),
        ("198.51.100.1", TRUSTED, "198.51.100.1"),  # a stranger says whatever he likes
        ("203.0.113.2", (), "203.0.113.2"),
    ],
)
def test_only_trusted_proxies_are_believed(peer: str, trusted: tuple[str, ...], host: str) -> None:
    headers = [(b"x-forwarded-for", b"192.0.2.1")]
    request = HTTPConnection({"type": "http", "client": (peer, 40000), "headers": headers})
    assert client_of(request, trusted)[0] == host


def test_without_a_word_it_is_the_proxy_itself() -> None:
    request = HTTPConnection({"type": "http", "client": ("203.0.113.2", 40000), "headers": []})
    assert client_of(request, TRUSTED) == ("203.0.113.2", 40000)
