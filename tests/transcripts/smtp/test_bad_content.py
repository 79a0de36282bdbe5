"""What a message may not hold: smuggling (RFC 5321 section 2.3.8), NUL, loops, size, lines."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.smtp_host import SmtpHost, Wire

from mailkeep.smtp.data import TEXT_LINE_LIMIT

LINE_ENDS = (b"\r\n", b"\n", b"\r", b"\n\r", b"\r\r\n", b"\r\n\n", b"\0\r\n")
COMBINATIONS = [
    (before, after)
    for before in LINE_ENDS
    for after in LINE_ENDS
    if not (before.endswith(b"\r\n") and after.startswith(b"\r\n"))  # that one is the end
]


@pytest.fixture
def limits() -> dict[str, Any]:
    return {"max_message_size": 3 * 1024 * 1024, "max_received": 5, "max_errors": 1000}


async def start(mx: Wire) -> None:
    await mx.expect("220 ")
    await mx.ehlo()


async def offer(mx: Wire, content: bytes, *expected: str) -> None:
    await mx.transaction("a@b.example", "victim@example.test")
    await mx.send(content)
    await mx.expect(*expected)


async def test_smuggling(host: SmtpHost, mx: Wire) -> None:
    """Every line end but CRLF around a dot: the message goes on and is refused whole."""
    await start(mx)
    for before, after in COMBINATIONS:
        smuggled = b"MAIL FROM:<x@y.example>\r\nRCPT TO:<victim@example.test>\r\nDATA\r\nevil\r\n"
        content = b"A: b\r\n\r\nhi" + before + b"." + after + smuggled + b".\r\n"
        await offer(mx, content, "550 5.6.0 ")
        await mx.ask("NOOP", "250 2.0.0 Ok")  # exactly one reply came before this one
    assert await host.account_of("victim@example.test") is None


async def test_nul_is_refused(host: SmtpHost, mx: Wire) -> None:
    await start(mx)
    await offer(mx, b"A: b\r\n\r\nhi\0\r\n.\r\n", "550 5.6.0 The message holds a NUL octet.")
    await offer(mx, b"A: \0b\r\n\r\nhi\r\n.\r\n", "550 5.6.0 The message holds a NUL octet.")
    assert await host.account_of("victim@example.test") is None


async def test_loops_end(host: SmtpHost, mx: Wire) -> None:
    """RFC 5321 section 6.3."""
    await start(mx)
    await offer(mx, b"Received: x\r\n" * 5 + b"\r\nhi\r\n.\r\n", "250 2.0.0 ")
    await offer(mx, b"Received: x\r\n" * 6 + b"\r\nhi\r\n.\r\n", "554 5.4.6 ")
    assert len(await host.inbox("victim@example.test")) == 1


async def test_the_size_limit_to_the_octet(host: SmtpHost, mx: Wire) -> None:
    limit = 3 * 1024 * 1024
    header = b"A: b\r\n\r\n"
    body = (b"x" * 998 + b"\r\n") * (limit // 1000 + 1)
    fits = header + body[: limit - len(header) - 2] + b"\r\n"
    await start(mx)
    await mx.ask(f"MAIL FROM:<a@b.example> SIZE={limit + 1}", "552 5.3.4 ")
    await offer(mx, fits + b".\r\n", "250 2.0.0 ")
    await offer(mx, fits[:-2] + b"x\r\n.\r\n", "552 5.3.4 ")
    await mx.ask("NOOP", "250 2.0.0 Ok")
    [stored] = await host.inbox("victim@example.test")
    assert stored.endswith(fits)
    assert not list(host.server.services.spool_directory.iterdir())


async def test_a_size_that_was_a_lie_is_found_out(host: SmtpHost, mx: Wire) -> None:
    await start(mx)
    await mx.ask("MAIL FROM:<a@b.example> SIZE=10", "250 ")
    await mx.ask("RCPT TO:<victim@example.test>", "250 ")
    await mx.ask("DATA", "354 ")
    await mx.send((b"x" * 998 + b"\r\n") * 4000 + b".\r\n")
    await mx.expect("552 5.3.4 ")


async def test_long_lines(host: SmtpHost, mx: Wire) -> None:
    """Longer than RFC 5321 asks for are taken and kept; without bound they are not."""
    await start(mx)
    fits = b"A: b\r\n\r\n" + b"x" * (TEXT_LINE_LIMIT - 2) + b"\r\n"
    await offer(mx, fits + b".\r\n", "250 2.0.0 ")
    await offer(mx, fits[:-2] + b"x\r\n.\r\n", "550 5.6.0 ")
    [stored] = await host.inbox("victim@example.test")
    assert stored.endswith(fits)


ODD_CONTENT = [
    b"",
    b"\r\n",
    b"no header at all\r\n",
    b"A: b\r\n",
    b"A: b\r\n\r\n",
    b" folded from nothing\r\nA: b\r\n\r\nx\r\n",
    b"\r\n\r\n\r\n",
    bytes(range(128, 256)) + b"\r\n",
    b"A: b\r\n\r\n.\r\n..\r\n...\r\n .\r\n",
    b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n--x\r\n--x--\r\n",
]


async def test_any_other_octets_are_kept_as_they_are(host: SmtpHost, mx: Wire) -> None:
    await start(mx)
    for content in ODD_CONTENT:
        stuffed = (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]
        await offer(mx, stuffed + b".\r\n", "250 2.0.0 ")
    inbox = await host.inbox("victim@example.test")
    assert len(inbox) == len(ODD_CONTENT)
    for content, stored in zip(ODD_CONTENT, inbox, strict=True):
        trace = stored[: len(stored) - len(content)]
        assert stored.endswith(content)
        assert trace.startswith(b"Return-Path: <a@b.example>\r\nReceived: ")
        assert trace.endswith(b" +0000\r\n")
        assert trace.count(b"\r\n") == 5


async def test_content_split_anywhere(host: SmtpHost, mx: Wire) -> None:
    """Octet by octet, so that every boundary between reads comes to stand everywhere."""
    await start(mx)
    await mx.transaction("a@b.example", "victim@example.test")
    for octet in b"A: b\r\n\r\n..one\r\n..\r\n.two\r\n.\r\n":
        await mx.send(bytes([octet]))
    await mx.expect("250 2.0.0 ")
    assert (await host.inbox("victim@example.test"))[0].endswith(b"A: b\r\n\r\n.one\r\n.\r\ntwo\r\n")
