"""Clients that go away in the middle: nothing is deleted, nothing stays locked, no traceback is logged."""

from __future__ import annotations

import socket
import struct
import time

import pytest
from tests.support.pop3_host import GREETING, SECONDS, Client, Login, Operator, Pop3Host

LARGE = b"Subject: large\r\n\r\n" + (b"x" * 998 + b"\r\n") * 4_000


def reset(client: Client) -> None:
    """Go away as a crashed machine's kernel does, with RST."""
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def wait_until_free(host: Pop3Host, login: Login) -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        with host.connect() as client:
            assert client.line() == GREETING
            client.command(f"USER {login.address}")
            status = client.command(f"PASS {login.key}")
            if status.startswith("+OK"):
                assert client.command("QUIT") == "+OK Bye."
                return
        assert "[IN-USE]" in status
        assert time.monotonic() < deadline, "the lock is still held"
        time.sleep(0.02)


@pytest.fixture(autouse=True)
def _faults_of_others(host: Pop3Host) -> None:
    host.forget_faults()


@pytest.mark.parametrize(
    "last_words",
    [
        b"RETR 1\r\n",
        b"RETR 1\r\n" * 500,
        b"RETR 2\r\n" * 500,
        b"TOP 1 3000\r\n" * 20,
        b"UIDL\r\n" * 2000,
        b"DELE 1\r\nRETR 2\r\nRET",
        b"",
    ],
)
def test_in_the_middle_of_an_answer(
    host: Pop3Host, operator: Operator, login: Login, last_words: bytes
) -> None:
    operator.append(login, LARGE, b"Subject: small\r\n\r\n")
    for leave in (reset, Client.close):
        with host.log_in(login) as client:
            client.send(last_words)
            leave(client)
        wait_until_free(host, login)
    assert len(operator.uids(login)) == 2
    host.assert_no_fault()


@pytest.mark.parametrize("leave", [reset, Client.close])
def test_in_the_middle_of_a_login(host: Pop3Host, login: Login, leave: object) -> None:
    assert callable(leave)
    for _ in range(20):
        client = host.connect()
        client.send(f"USER {login.address}\r\nPASS {login.key}\r\n".encode())
        leave(client)
    wait_until_free(host, login)
    host.assert_no_fault()


def test_in_the_middle_of_quit(host: Pop3Host, operator: Operator, login: Login) -> None:
    """Nobody hears whether the deletions were made; they were, or were not, as a whole."""
    for _ in range(10):
        operator.append(login, b"Subject: 1\r\n\r\n", b"Subject: 2\r\n\r\n")
        with host.log_in(login) as client:
            client.send(b"DELE 1\r\nDELE 2\r\nQUIT\r\n")
            reset(client)
        wait_until_free(host, login)
        left = operator.uids(login)
        assert len(left) in (0, 2)
        if left:
            operator.expunge(login, *left)
    host.assert_no_fault()


def test_in_the_middle_of_a_handshake(host: Pop3Host) -> None:
    for words in (b"", b"\x16\x03\x01", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"):
        with socket.create_connection(("127.0.0.1", host.tls_port), SECONDS) as plain:
            plain.sendall(words)
        with host.connect() as client:
            assert client.line() == GREETING
            assert client.command("STLS") == "+OK Begin TLS."
            client.send(words)
    with host.connect() as client:
        assert client.line() == GREETING
    host.assert_no_fault()
