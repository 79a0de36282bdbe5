"""Octets out are octets in (RFC 1939 section 5), whatever they are and however fast they are taken."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from importlib import resources

import pytest
from tests.support.pop3_host import Login, Operator, Pop3Host

from mailkeep_pop3.ahead import AHEAD_MESSAGES, WHOLE_LIMIT

CHUNK = 256 * 1024  # the store's; dots around its edges


def corpus() -> Iterator[bytes]:
    """The messages of Python's own test suite, with the line ends of the wire."""
    for entry in sorted(resources.files("test.test_email.data").iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".txt"):
            yield entry.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def generated() -> Iterator[bytes]:
    header = b"Subject: generated\r\n\r\n"
    yield b""
    yield b"\r\n"
    yield header
    yield header + b".\r\n.\r\n..\r\n...x\r\n.\r\n"
    yield header + b"\r\n" * 1000
    yield header + bytes(range(1, 256)).replace(b"\n", b"").replace(b"\r", b"") * 40 + b"\r\n"
    yield header + b"x" * 100_000 + b"\r\n"
    yield b"No-Body: at all\r\n"
    yield header + b".\n.\r\nbare\nlf\r.bare cr\r\n"
    for around in range(-3, 4):
        edge = CHUNK + around
        yield header + b"y" * (edge - len(header) - 2) + b"\r\n.\r\n..z\r\n"


def with_final_crlf(message: bytes) -> bytes:
    return message if message.endswith(b"\r\n") or not message else message + b"\r\n"


def test_every_message_comes_back_as_it_was(host: Pop3Host, operator: Operator, login: Login) -> None:
    messages = [*corpus(), *generated()]
    assert len(messages) > 50
    operator.append(login, *messages)
    with host.log_in(login) as client:
        sizes = [int(line.split()[1]) for line in client.listing("LIST")]
        assert sizes == [len(with_final_crlf(message)) for message in messages]
        for number, message in enumerate(messages, 1):
            assert client.retrieve(number) == with_final_crlf(message), number
        for number in random.Random(1).sample(range(1, len(messages) + 1), len(messages)):
            assert client.retrieve(number) == with_final_crlf(messages[number - 1]), number


def test_top_of_every_message(host: Pop3Host, operator: Operator, login: Login) -> None:
    messages = [*corpus(), *generated()]
    operator.append(login, *messages)
    with host.log_in(login) as client:
        for number, message in enumerate(messages, 1):
            for lines in (0, 3):
                header, blank, body = (b"\r\n" + message).partition(b"\r\n\r\n")
                kept = b"\r\n".join([*body.split(b"\r\n")[:lines], b""]) if lines else b""
                shorter = body.count(b"\r\n") < lines
                expected = (header + blank + (body if shorter else kept))[2:] if blank else message
                assert client.command(f"TOP {number} {lines}").startswith("+OK")
                assert client.multi_line() == with_final_crlf(expected), (number, lines)


def test_a_header_beyond_what_the_store_keeps_apart(host: Pop3Host, operator: Operator, login: Login) -> None:
    header = b"".join(b"X-%d: %s\r\n" % (number, b"v" * 70) for number in range(2000)) + b"\r\n"
    operator.append(login, header + b"one\r\ntwo\r\n")
    with host.log_in(login) as client:
        assert client.command("TOP 1 1").startswith("+OK")
        assert client.multi_line() == header + b"one\r\n"


def test_a_message_of_20_mib(host: Pop3Host, operator: Operator, login: Login) -> None:
    line = b"." + b"0123456789abcdef" * 4 + b"\r\n"
    message = b"Subject: large\r\n\r\n" + line * (20 * 1024 * 1024 // len(line))
    operator.append(login, message)
    with host.log_in(login) as client:
        assert client.retrieve(1) == message
        assert client.command("NOOP") == "+OK"


@pytest.mark.parametrize("order", ["ascending", "descending", "shuffled", "twice"])
def test_pipelined_retrievals_in_any_order(
    host: Pop3Host, operator: Operator, login: Login, order: str
) -> None:
    count = 3 * AHEAD_MESSAGES
    messages = [b"Subject: %d\r\n\r\n.%s\r\n" % (n, b"z" * (n * 97 % 5000)) for n in range(count)]
    messages[7] = b"Subject: large\r\n\r\n" + b"w" * WHOLE_LIMIT + b"\r\n"
    operator.append(login, *messages)
    numbers = list(range(1, len(messages) + 1))
    if order == "descending":
        numbers.reverse()
    elif order == "shuffled":
        random.Random(2).shuffle(numbers)
    elif order == "twice":
        numbers = [number for number in numbers for _ in range(2)]
    with host.log_in(login) as client:
        client.send(b"".join(b"RETR %d\r\n" % number for number in numbers) + b"NOOP\r\n")
        for number in numbers:
            assert client.line() == f"+OK {len(messages[number - 1])} octets"
            assert client.multi_line() == messages[number - 1]
        assert client.line() == "+OK"


def test_a_message_that_is_in_the_maildrop_twice(host: Pop3Host, operator: Operator, login: Login) -> None:
    message = b"Subject: same\r\n\r\nsame\r\n"
    operator.append(login, message, b"Subject: other\r\n\r\n", message)
    with host.log_in(login) as client:
        client.send(b"RETR 1\r\nRETR 3\r\nRETR 2\r\n")
        for expected in (message, message, b"Subject: other\r\n\r\n"):
            assert client.line() == f"+OK {len(expected)} octets"
            assert client.multi_line() == expected


def test_a_client_that_reads_nothing_costs_bounded_memory(
    host: Pop3Host, operator: Operator, login: Login
) -> None:
    message = b"Subject: large\r\n\r\n" + (b"x" * 998 + b"\r\n") * 8_000
    operator.append(login, message)
    with host.log_in(login) as warm:
        assert warm.retrieve(1) == message
        assert warm.command("QUIT") == "+OK Bye."
    before = host.resident_octets
    with host.log_in(login) as client:
        client.send(b"RETR 1\r\n" * 20)  # 160 MB, of which nobody reads an octet
        settled_at = time.monotonic() + 1.0
        while time.monotonic() < settled_at:
            assert host.resident_octets - before < 24 << 20
            time.sleep(0.05)
        for _ in range(20):
            assert client.line() == f"+OK {len(message)} octets"
            assert client.multi_line() == message


def test_a_client_that_sends_without_reading_is_held_back(host: Pop3Host, login: Login) -> None:
    before = host.resident_octets
    with host.log_in(login) as client:
        sent = client.send_until_blocked(b"CAPA\r\n" * 10_000, limit=256 << 20)
        assert sent < 256 << 20, "the server never stopped reading"
        assert host.resident_octets - before < 24 << 20
