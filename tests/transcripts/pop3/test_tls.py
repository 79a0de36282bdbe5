"""TLS: RFC 2595 section 4 (STLS), RFC 8314 section 3.3 (implicit TLS), and what is refused without."""

from __future__ import annotations

import socket
import ssl

import pytest
from tests.support.pop3_host import GREETING, Login, Pop3Host

ALWAYS = ["TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "EXPIRE NEVER", "UTF8 USER", "LANG"]
SECRETS = ["USER", "SASL PLAIN LOGIN XOAUTH2 OAUTHBEARER"]


def test_in_the_clear_no_secret_is_taken(strict_host: Pop3Host, login: Login) -> None:
    with strict_host.connect() as client:
        assert client.line() == GREETING
        assert client.listing("CAPA") == [*ALWAYS, "STLS"]
        for line in (
            f"USER {login.address}",
            f"PASS {login.key}",
            "AUTH PLAIN",
            "AUTH PLAIN AGEAYg==",
            "AUTH",
        ):
            assert client.command(line) == "-ERR [AUTH] Start TLS before you authenticate."


def test_stls(strict_host: Pop3Host, login: Login) -> None:
    with strict_host.connect() as client:
        client.play(
            f"""
            S: {GREETING}
            C: STLS
            S: +OK Begin TLS.
            """
        )
        client.start_tls()
        assert client.listing("CAPA") == [*ALWAYS, *SECRETS]
        client.play(
            f"""
            C: STLS
            S: -ERR TLS is on already.
            C: USER {login.address}
            S: +OK Send PASS.
            C: PASS {login.key}
            S: +OK 0 messages (0 octets).
            """
        )
        assert client.listing("CAPA") == [*ALWAYS, *SECRETS, "IMPLEMENTATION Mailkeep"]
        assert client.command("STLS") == "-ERR The session is authenticated already."
        assert client.command("QUIT") == "+OK Bye."
        assert client.ended()


def test_pop3s(strict_host: Pop3Host, login: Login) -> None:
    with strict_host.connect_tls() as client:
        assert client.line() == GREETING
        assert client.listing("CAPA") == [*ALWAYS, *SECRETS]
        client.play(
            f"""
            C: USER {login.address}
            S: +OK Send PASS.
            C: PASS {login.key}
            S: +OK 0 messages (0 octets).
            C: QUIT
            S: +OK Bye.
            """
        )
        assert client.ended()


def test_what_was_sent_in_the_clear_after_stls_is_discarded(strict_host: Pop3Host, login: Login) -> None:
    """An attacker in the middle puts commands behind the victim's STLS: none may be executed within TLS."""
    with strict_host.connect() as client:
        assert client.line() == GREETING
        client.send(f"CAPA\r\nSTLS\r\nUSER {login.address}\r\nPASS {login.key}\r\nNOOP\r\n".encode())
        assert client.line() == "+OK Capabilities follow."
        assert client.multi_line().endswith(b"STLS\r\n")
        assert client.line() == "+OK Begin TLS."
        client.start_tls()
        assert client.command("NOOP") == "-ERR Authenticate first."
        assert client.command("PASS x") == "-ERR USER comes before PASS."


def test_half_a_command_in_the_clear_does_not_open_one_within_tls(strict_host: Pop3Host) -> None:
    with strict_host.connect() as client:
        assert client.line() == GREETING
        client.send(b"STLS\r\nUSER eve@exam")
        assert client.line() == "+OK Begin TLS."
        client.start_tls()
        assert client.command("ple.test") == "-ERR That is not a command of this server."


def test_stls_comes_before_utf8(strict_host: Pop3Host) -> None:
    with strict_host.connect() as client:
        assert client.line() == GREETING
        assert client.command("UTF8") == "+OK UTF-8 mode."
        assert client.command("STLS") == "-ERR STLS comes before UTF8."


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_versions(strict_host: Pop3Host, version: ssl.TLSVersion) -> None:
    context = ssl.create_default_context(cafile=str(strict_host.ca.ca_file))
    context.minimum_version = context.maximum_version = version
    with (
        socket.create_connection(("127.0.0.1", strict_host.tls_port), 10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        assert secured.recv(100).decode() == f"{GREETING}\r\n"


def test_a_client_that_speaks_no_tls_to_pop3s_is_dropped(strict_host: Pop3Host) -> None:
    with socket.create_connection(("127.0.0.1", strict_host.tls_port), 10) as plain:
        plain.sendall(b"CAPA\r\n" * 10)
        while plain.recv(1000):
            pass
