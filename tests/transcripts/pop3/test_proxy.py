"""Behind a balancer: who really connects is who counts, with TLS and without."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from tests.support.pop3_host import GREETING, IN_THE_CLEAR, Client, Login, Operator, Pop3Host
from tests.unit.net.test_proxy_protocol import v2

from mailkeep.model.scope import Scope
from mailkeep.net.development import DevelopmentCa
from mailkeep.settings import StoreSettings

V1 = b"PROXY TCP4 192.0.2.77 192.0.2.9 56324 993\r\n"
V2 = v2("192.0.2.77", 56324, tlvs=b"\x04\x00\x02xx")
LOCAL = b"PROXY UNKNOWN\r\n"


@pytest.fixture(scope="module")
def proxied(backend: StoreSettings, operator: Operator, ca: DevelopmentCa) -> Iterator[Pop3Host]:
    """Believes loopback about where connections come from, and takes secrets in the clear from there."""
    with Pop3Host(backend, ca, {**IN_THE_CLEAR, "NET_TRUSTED_PROXIES": "127.0.0.1/32"}) as started:
        yield started


def log_in(client: Client, login: Login) -> None:
    """USER and PASS."""
    assert client.command(f"USER {login.address}") == "+OK Send PASS."
    assert client.command(f"PASS {login.key}").startswith("+OK ")


def network_of_last_login(operator: Operator, login: Login) -> str:
    """Where the user came from, as the audit log has it."""
    for _ in range(400):
        records = operator.run(operator.store.audit.list(1, login.user_id))
        if records:
            return records[0].network
        time.sleep(0.05)
    raise AssertionError("no login was noted")


@pytest.mark.parametrize("header", [V1, V2], ids=["v1", "v2"])
def test_the_client_is_whom_the_header_names(proxied: Pop3Host, operator: Operator, header: bytes) -> None:
    login = operator.user(Scope.POP3)
    with Client(proxied.connection(proxied.tls_port), proxied.ca) as client:
        client.send(header)
        client.start_tls()
        assert client.line() == GREETING
        log_in(client, login)
    assert network_of_last_login(operator, login) == "192.0.2.77"


def test_starttls_keeps_whom_the_header_names(proxied: Pop3Host, operator: Operator) -> None:
    login = operator.user(Scope.POP3)
    with Client(proxied.connection(proxied.plain_port), proxied.ca) as client:
        client.send(V1 + b"STLS\r\n")
        assert client.line() == GREETING
        assert client.line() == "+OK Begin TLS."
        client.start_tls()
        log_in(client, login)
    assert network_of_last_login(operator, login) == "192.0.2.77"


def test_who_came_from_elsewhere_is_not_on_this_machine(proxied: Pop3Host, operator: Operator) -> None:
    login = operator.user(Scope.POP3)
    with Client(proxied.connection(proxied.plain_port), proxied.ca) as client:
        client.send(V1)
        client.line()
        assert client.command(f"USER {login.address}").startswith("-ERR [AUTH] Start TLS")
    with Client(proxied.connection(proxied.plain_port), proxied.ca) as client:
        client.send(LOCAL)
        client.line()
        log_in(client, login)


@pytest.mark.parametrize("octets", [b"CAPA\r\n", b"PROXY TCP4 nobody\r\n", b"\x16\x03\x01" + b"\0" * 40])
def test_a_proxy_that_sends_no_header_is_cut_off(proxied: Pop3Host, octets: bytes) -> None:
    for port in (proxied.plain_port, proxied.tls_port):
        with proxied.connection(port) as connection:
            connection.sendall(octets)
            with suppress(ConnectionResetError):
                assert connection.recv(100) == b""
