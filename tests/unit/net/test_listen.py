"""Endpoints from settings, and sockets from endpoints."""

from __future__ import annotations

import socket

import pytest

from mailkeep.errors import SettingsError
from mailkeep.net.listen import Endpoint, address_of, bind, bind_all


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:25", "127.0.0.1", 25),
        ("[::1]:993", "::1", 993),
        ("localhost:0", "localhost", 0),
        (" *:143 ", "*", 143),
    ],
)
def test_an_endpoint_is_host_and_port(text: str, host: str, port: int) -> None:
    endpoint = Endpoint.parse(text)
    assert endpoint == Endpoint(host, port)
    assert Endpoint.parse(str(endpoint)) == endpoint


@pytest.mark.parametrize(
    "text", ["", "25", "localhost", ":25", "[]:25", "::1:25", "a:b", "a:-1", "a:65536", "a:٣", "a: 25x"]
)
def test_what_is_no_endpoint_is_named(text: str) -> None:
    with pytest.raises(SettingsError, match=r"host:port|port between"):
        Endpoint.parse(text)


def test_a_bound_socket_accepts_and_does_not_block() -> None:
    with bind(Endpoint("127.0.0.1", 0)) as listener:
        assert not listener.getblocking()
        with socket.create_connection(listener.getsockname(), timeout=5):
            pass


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6")
def test_a_star_takes_both_families_and_a_named_ipv6_address_one() -> None:
    with bind(Endpoint("*", 0)) as listener:
        port = listener.getsockname()[1]
        for host in ("127.0.0.1", "::1"):
            with socket.create_connection((host, port), timeout=5):
                pass
    with bind(Endpoint("::", 0)) as listener, pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", listener.getsockname()[1]), timeout=5)


def test_a_port_in_use_is_one_plain_sentence() -> None:
    with bind(Endpoint("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(SettingsError) as refused:
            bind(Endpoint("127.0.0.1", port))
    assert str(refused.value) == f"Port {port} on 127.0.0.1 is in use by another program."


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_of_another_machine_is_refused(host: str) -> None:
    with pytest.raises(SettingsError, match="is not an address of this machine"):
        bind(Endpoint(host, 0))


def test_all_endpoints_or_none() -> None:
    with bind(Endpoint("127.0.0.1", 0)) as taken, bind(Endpoint("127.0.0.1", 0)) as probe:
        free, busy = address_of(probe), address_of(taken)
        probe.close()
        with pytest.raises(SettingsError, match="in use"):
            bind_all((free, busy))
        (again,) = bind_all((free,))  # the first was let go
        again.close()
