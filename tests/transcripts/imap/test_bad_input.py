"""What no client should send: each gets an answer, none gets more memory or time than its share."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

import pytest
from tests.support.imap_host import Client, ImapHost, Login


@pytest.fixture
def stranger(host: ImapHost) -> Client:
    """A connection that has not logged in; its greeting has been read."""
    client = host.connect()
    client.line()
    return client


@pytest.mark.parametrize(
    ("octets", "answer"),
    [
        (b"\r\n", "* BAD"),
        (b" NOOP\r\n", "* BAD"),
        (b"a\r\n", "a BAD"),
        (b"a NONSENSE\r\n", "a BAD"),
        (b"a NOOP now\r\n", "a BAD"),
        (b"a NOOP \r\n", "a BAD"),
        (b"a  NOOP\r\n", "a BAD"),
        (b"a\tNOOP\r\n", "a BAD"),
        (b"(a) NOOP\r\n", "* BAD"),
        (b"a NO\0OP\r\n", "a BAD"),
        (b"a NOOP\n", "a BAD"),
        (b"a NO\rOP\r\n", "a BAD"),
        (b"\xff\xfe NOOP\r\n", "* BAD"),
        (b"a SELECT \xff\xfe\r\n", "a NO [CANNOT]"),
        (b"a LOGIN \xff\xfe \xff\r\n", "a BAD"),
        (b'a SELECT "unclosed\r\n', "a BAD"),
        (b"a SELECT {5\r\n", "a BAD"),
        (b"a SELECT {x}\r\n", "a BAD"),
        (b"a LOGIN {99999999999999999999999}\r\n", "a BAD"),
        (b"a LOGIN {1000000}\r\n", "a NO [TOOBIG]"),
        (b"a UID NOOP\r\n", "a BAD"),
        (b"a UID\r\n", "a BAD"),
        (b"GET / HTTP/1.1\r\n", "GET BAD"),
    ],
)
def test_one_line(stranger: Client, octets: bytes, answer: str) -> None:
    stranger.send(octets)
    assert stranger.line().startswith(answer)
    stranger.play("C: z NOOP\nS: z OK ...")


def test_a_line_beyond_the_limit_is_refused_as_it_comes(stranger: Client) -> None:
    stranger.send(b"a SELECT " + b"x" * 100_000)
    stranger.play("S: a BAD The line is too long.")
    stranger.send(b"x" * 100_000 + b"\r\nb NOOP\r\n")
    stranger.play("S: b OK ...")


def test_a_non_synchronizing_literal_beyond_the_limit_before_login(stranger: Client) -> None:
    """Too much to be thrown away for somebody who has not even logged in."""
    stranger.send(b"a LOGIN {999999999+}\r\n")
    stranger.play("S: a NO [TOOBIG] ...\nS: * BYE ...")
    assert stranger.closed()


def test_a_message_literal_before_login(stranger: Client) -> None:
    stranger.play("C: a APPEND INBOX {100}")
    assert stranger.line().startswith(("a NO", "a BAD"))
    stranger.play("C: b NOOP\nS: b OK ...")


def test_thousands_of_bad_commands_end_the_connection(host: ImapHost, user: Login) -> None:
    with host.log_in(user) as client:
        client.send(b"".join(b"x%d NONSENSE\r\n" % number for number in range(5000)))
        lines = [client.line() for _ in range(21)]
        assert all(line.startswith(f"x{number} BAD") for number, line in enumerate(lines[:20]))
        assert lines[20] == "* BYE Too many errors."
        assert client.closed()


def test_good_commands_forgive_bad_ones(client: Client) -> None:
    for number in range(50):
        client.play(f"C: b{number} NONSENSE\nS: b{number} BAD ...\nC: g{number} NOOP\nS: g{number} OK ...")


def test_silence_before_login(own_host: Callable[..., ImapHost]) -> None:
    with own_host(IMAP_LOGIN_TIMEOUT_SECONDS="0.5").connect() as client:
        client.line()
        client.send(b"a LOG")
        client.play("S: * BYE Autologout: ...")
        assert client.closed()


def test_half_a_command_then_silence(own_host: Callable[..., ImapHost], user: Login) -> None:
    started = own_host(IMAP_IDLE_TIMEOUT_SECONDS="0.5")
    for half in (b"a SELECT {10}\r\n", b"a NOO", b"a APPEND INBOX {100+}\r\nSubject: x", b"a IDLE\r\n"):
        with started.log_in(user) as client:
            client.send(half)
            lines = [client.line()]
            if lines[-1].startswith("+"):
                lines.append(client.line())
            assert lines[-1].startswith("* BYE Autologout")
            assert client.closed()


def test_too_many_connections_from_one_network(own_host: Callable[..., ImapHost]) -> None:
    started = own_host(IMAP_MAX_CONNECTIONS_PER_NETWORK="2")
    with started.connect() as first, started.connect() as second:
        first.line()
        second.line()
        with started.connect() as third:
            third.play("S: * BYE [LIMIT] ...")
            assert third.closed()
        first.play("C: a LOGOUT\nS: * BYE ...\nS: a OK ...")
        assert first.closed()
        with started.connect() as fourth:
            fourth.play("S: * OK ...")


def test_too_many_literals(client: Client) -> None:
    client.send(b"a FETCH 1 BODY[HEADER.FIELDS (" + b"{1+}\r\nx " * 400 + b"y)]\r\n")
    assert client.line().startswith("a BAD")


def test_a_client_that_reads_nothing_costs_little(host: ImapHost, user: Login) -> None:
    """Sixty million octets are asked for and not read; the host holds back."""
    message = b"Subject: big\r\n\r\n" + b"x" * 500_000
    with host.log_in(user, "INBOX") as client:
        client.append("INBOX", message)
        for _ in range(4):
            client.command("COPY 1:* INBOX")
        before = host.resident_octets
        asked = b"".join(b"f%d FETCH 1:* BODY.PEEK[]\r\n" % number for number in range(8))
        client.send(asked)
        with host.log_in(user, "INBOX") as another:
            for _ in range(20):
                another.command("FETCH 1:* (FLAGS UID)")
        assert host.resident_octets - before < 32 * 1024 * 1024
        for number in range(8):
            for sequence in range(1, 17):
                assert client.line() == f"* {sequence} FETCH (BODY[] {{{len(message)}}}"
                assert client.octets(len(message)) == message
                assert client.line() == ")"
            assert client.line() == f"f{number} OK FETCH completed."


def test_input_waits_while_answers_are_not_read(host: ImapHost, user: Login) -> None:
    """Commands that pour in behind a client's back are not gathered without bound."""
    with host.log_in(user, "INBOX") as client:
        client.append("INBOX", b"Subject: x\r\n\r\n" + b"y" * 900_000)
        for _ in range(3):
            client.command("COPY 1:* INBOX")
        before = host.resident_octets
        client.send(b"a FETCH 1:* BODY.PEEK[]\r\nb FETCH 1:* BODY.PEEK[]\r\n")
        client.socket.setblocking(False)
        sent = 0
        try:
            while sent < 64 * 1024 * 1024:
                sent += client.socket.send(b"c NOOP\r\n" * 8192)
        except BlockingIOError:
            pass
        finally:
            client.socket.settimeout(20)
        assert sent < 64 * 1024 * 1024
        assert host.resident_octets - before < 32 * 1024 * 1024


def test_a_refused_message_too_large_to_be_thrown_away(client: Client) -> None:
    """RFC 7888 section 4: what cannot be stopped is read and thrown away, or the connection is closed."""
    client.send(b"a APPEND Nowhere {40000000+}\r\n")
    client.play("S: a NO [TRYCREATE] ...")
    client.close()


def test_hundreds_of_idle_connections_cost_little(host: ImapHost, user: Login, exits: ExitStack) -> None:
    def idling() -> Client:
        waiting = exits.enter_context(host.log_in(user, "INBOX"))
        waiting.play("C: i IDLE\nS: + ...")
        return waiting

    for _ in range(20):
        idling()
    before = host.resident_octets
    waiting = [idling() for _ in range(300)]
    assert host.resident_octets - before < 300 * 40 * 1024
    with host.log_in(user) as client:
        client.append("INBOX", b"Subject: to all\r\n\r\n")
    for one in waiting:
        one.play("S: * 1 EXISTS\nS: * <either> RECENT")
