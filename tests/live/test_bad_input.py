"""What must not work, over real sockets: each gets its protocol's own error, and the rest is served on."""

from __future__ import annotations

import random
import resource
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from tests.support.clients import deliver, imap, message, pop3, read_imap, read_pop3
from tests.support.hosts import MailkeepUp, Person

SECONDS = 60.0
MIB = 1024 * 1024
GROWTH_LIMIT = 96 * MIB  # of a host's memory under attack: far below what was sent at it

PLAIN = ("mx", "submission", "imap", "pop3")
TLS = ("submissions", "imaps", "pop3s")
HOST_OF = {"mx": "smtp", "submission": "smtp", "imap": "imap", "pop3": "pop3"}
STARTTLS = {
    "mx": (b"EHLO x\r\nSTARTTLS\r\n", b"220 2.0.0", b"NOOP\r\n"),
    "submission": (b"EHLO x\r\nSTARTTLS\r\n", b"220 2.0.0", b"NOOP\r\n"),
    "imap": (b"a1 STARTTLS\r\n", b"a1 OK", b"injected NOOP\r\n"),
    "pop3": (b"STLS\r\n", b"+OK", b"QUIT\r\n"),
}
AFTER_TLS = {
    "mx": (b"EHLO y\r\n", b"250-"),
    "submission": (b"EHLO y\r\n", b"250-"),
    "imap": (b"a2 NOOP\r\n", b"a2 OK"),
    "pop3": (b"CAPA\r\n", b"+OK"),
}


@contextmanager
def connection(up: MailkeepUp, listener: str) -> Iterator[socket.socket]:
    with socket.create_connection(up.place(listener), timeout=SECONDS) as made:
        yield made


def read_until(stream: socket.socket, wanted: bytes) -> bytes:
    """Everything up to and with the line that holds `wanted`."""
    said = b""
    while not (wanted in said and said.endswith(b"\r\n")):
        piece = stream.recv(65536)
        assert piece, f"the connection ended after {said!r}"
        said += piece
    return said


def read_to_the_end(stream: socket.socket) -> bytes:
    said = b""
    try:
        while piece := stream.recv(65536):
            said += piece
    except (ConnectionResetError, ssl.SSLError):
        return said  # what we still sent met a closed connection
    return said


def memory(up: MailkeepUp, listener: str) -> int:
    """Resident octets of the listener's host."""
    (pid,) = up.pids(HOST_OF[listener])
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


def assert_served(up: MailkeepUp, person: Person) -> None:
    """Mail still comes in and is read by both protocols."""
    before = len(read_imap(up, person))
    deliver(up, person.address, message(person.address))
    assert len(read_imap(up, person)) == before + 1
    assert len(read_pop3(up, person)) == before + 1


# --- TLS ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("listener", PLAIN)
def test_commands_injected_before_the_handshake_are_discarded(mailkeep: MailkeepUp, listener: str) -> None:
    """A third party could have written them: RFC 3207 section 4.2, RFC 2595 section 2.2."""
    asked, agreed, injected = STARTTLS[listener]
    command, answer = AFTER_TLS[listener]
    with connection(mailkeep, listener) as plain:
        read_until(plain, b"\r\n")
        plain.sendall(asked + injected)
        read_until(plain, agreed)
        try:
            stream = mailkeep.tls.wrap_socket(plain, server_hostname="localhost")
        except (ssl.SSLError, OSError):
            return  # refusing the whole connection is safe as well
        with stream:
            stream.settimeout(SECONDS)
            stream.sendall(command)
            assert stream.recv(65536).startswith(answer)


@pytest.mark.parametrize("listener", TLS)
@pytest.mark.parametrize("octets", [b"EHLO x\r\n", b"\x16\x03\x01\xff\xff" + b"\xff" * 600, b"\0" * 10_000])
def test_what_is_no_handshake_ends_the_connection(mailkeep: MailkeepUp, listener: str, octets: bytes) -> None:
    with connection(mailkeep, listener) as stream:
        stream.sendall(octets)
        said = read_to_the_end(stream)
    assert said == b"" or said[0] == 21  # at most a TLS alert, RFC 8446 section 6


@pytest.mark.parametrize("listener", PLAIN)
def test_a_handshake_that_is_broken_off_harms_nobody(
    mailkeep: MailkeepUp, person: Person, listener: str
) -> None:
    asked, agreed, _ = STARTTLS[listener]
    for octets in (b"", b"\x16\x03", b"garbage, not a ClientHello\r\n" * 100):
        with connection(mailkeep, listener) as stream:
            read_until(stream, b"\r\n")
            stream.sendall(asked)
            read_until(stream, agreed)
            stream.sendall(octets)
    assert_served(mailkeep, person)


# --- lines and literals ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("listener", "error"), [("mx", b"500 5."), ("submission", b"500 5."), ("imap", b"BAD"), ("pop3", b"-ERR")]
)
def test_a_line_without_end_is_refused_and_not_kept(
    mailkeep: MailkeepUp, person: Person, listener: str, error: bytes
) -> None:
    before = memory(mailkeep, listener)
    with connection(mailkeep, listener) as stream:
        said = read_until(stream, b"\r\n")
        try:
            for _ in range(64):
                stream.sendall(b"x" * MIB)
            stream.sendall(b"\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass  # ended in the middle of it: its error may be lost with the connection
        else:
            said += read_until(stream, error)
    assert memory(mailkeep, listener) - before < GROWTH_LIMIT
    assert_served(mailkeep, person)


@pytest.mark.parametrize("listener", PLAIN)
def test_octets_of_any_kind_are_answered_or_end_the_connection(
    mailkeep: MailkeepUp, person: Person, listener: str
) -> None:
    chosen = random.Random(listener)
    for _ in range(20):
        with connection(mailkeep, listener) as stream:
            read_until(stream, b"\r\n")
            octets = b"\r\n".join(chosen.randbytes(chosen.randrange(200)) for _ in range(40)) + b"\r\n"
            stream.sendall(octets)
            stream.shutdown(socket.SHUT_WR)
            read_to_the_end(stream)
    assert_served(mailkeep, person)


def test_a_literal_beyond_the_limit_is_refused_before_it_is_sent(
    mailkeep: MailkeepUp, person: Person
) -> None:
    with imap(mailkeep, person) as client:
        client.send(b"a1 APPEND INBOX {999999999}\r\n")
        assert client.readline().startswith(b"a1 NO [TOOBIG]")
        client.send(b"a2 NOOP\r\n")
        assert client.readline().startswith(b"a2 OK")
    with connection(mailkeep, "imap") as stream:
        read_until(stream, b"\r\n")
        stream.sendall(b"a1 LOGIN {99999999}\r\n")
        assert read_until(stream, b"a1 ").startswith((b"a1 BAD", b"a1 NO [TOOBIG]"))


def test_a_message_that_grows_too_large_is_refused_as_it_arrives(
    mailkeep: MailkeepUp, person: Person
) -> None:
    before = memory(mailkeep, "mx")
    line = b"0123456789abcdef" * 60 + b"\r\n"
    with connection(mailkeep, "mx") as stream:
        read_until(stream, b"\r\n")
        for command in (b"EHLO x", b"MAIL FROM:<>", f"RCPT TO:<{person.address}>".encode(), b"DATA"):
            stream.sendall(command + b"\r\n")
            read_until(stream, b" ")
        stream.sendall(b"Subject: endless\r\n\r\n")
        try:
            for _ in range(60):
                stream.sendall(line * (MIB // len(line) + 1))
            stream.sendall(b".\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass
        else:
            assert b"552 5.3.4" in read_until(stream, b"552")
    assert memory(mailkeep, "mx") - before < GROWTH_LIMIT
    assert read_imap(mailkeep, person) == []
    assert_served(mailkeep, person)


@pytest.mark.parametrize(
    ("listener", "command", "answer"),
    [("mx", b"NOOP\r\n", b"250"), ("imap", b"a NOOP\r\n", b"a OK"), ("pop3", b"CAPA\r\n", b"+OK")],
)
def test_pipelined_commands_are_all_answered_to_a_client_that_reads_late(
    mailkeep: MailkeepUp, listener: str, command: bytes, answer: bytes
) -> None:
    count = 5_000
    with connection(mailkeep, listener) as stream:
        read_until(stream, b"\r\n")
        stream.sendall(command * count)
        said = b""
        while said.count(answer) < count:
            piece = stream.recv(65536)
            assert piece, f"ended after {said.count(answer)} answers: {said[-200:]!r}"
            said += piece


# --- many connections --------------------------------------------------------------------------------


@pytest.fixture
def open_files() -> Iterator[None]:
    """Room for the test's own ends of many connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("open_files")
def test_a_thousand_idle_connections_cost_little_and_stop_nobody(
    mailkeep: MailkeepUp, person: Person
) -> None:
    before = memory(mailkeep, "imap")
    with ExitStack() as idle:
        for _ in range(1000):
            stream = idle.enter_context(connection(mailkeep, "imap"))
            assert stream.recv(1024).startswith(b"* OK")
            stream.sendall(b"a1 NO")  # a line that is never finished
        assert memory(mailkeep, "imap") - before < 32 * MIB
        assert_served(mailkeep, person)
        stream.sendall(b"OP\r\n")
        assert b"a1 OK" in stream.recv(1024)


def wait_for_room(mailkeep: MailkeepUp, listener: str, welcome: bytes) -> None:
    """Clients that are gone are seen to be so one after another."""
    deadline = time.monotonic() + SECONDS
    while True:
        with ExitStack() as few:
            greetings = [few.enter_context(connection(mailkeep, listener)).recv(1024) for _ in range(10)]
        if all(greeting.startswith(welcome) for greeting in greetings):
            return
        assert time.monotonic() < deadline, greetings
        time.sleep(0.05)


@pytest.mark.usefixtures("open_files")
@pytest.mark.parametrize(
    ("listener", "welcome", "refusal"), [("mx", b"220 ", b"421 4.7.0 "), ("pop3", b"+OK", b"-ERR")]
)
def test_connections_beyond_a_networks_share_are_refused_in_the_protocols_words(
    mailkeep: MailkeepUp, person: Person, listener: str, welcome: bytes, refusal: bytes
) -> None:
    with ExitStack() as crowd:
        greetings = [crowd.enter_context(connection(mailkeep, listener)).recv(1024) for _ in range(210)]
        assert [greeting.startswith(welcome) for greeting in greetings] == [True] * 200 + [False] * 10
        assert all(greeting.startswith(refusal) for greeting in greetings[200:])
    wait_for_room(mailkeep, listener, welcome)
    with pop3(mailkeep, person) as client:
        assert client.stat() == (0, 0)
    assert_served(mailkeep, person)
