"""Content that is not lines: BODY=BINARYMIME with BDAT (RFC 3030 section 3)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.support.smtp_host import SmtpHost, Wire

from mailkeep.mime import transfer

TO = "victim@example.test"
EVERYTHING = bytes(range(256)) + b"\r\n.\r\nMAIL FROM:<evil@b.example>\r\n\n.\n\r.\r"
HEADER = b"Subject: x\r\nContent-Type: a/b\r\nContent-Transfer-Encoding: binary\r\n\r\n"


@pytest.fixture
def limits() -> dict[str, Any]:
    return {"max_message_size": 4 * 1024 * 1024}


async def start(wire: Wire, *more: str) -> None:
    await wire.expect("220 ")
    assert "BINARYMIME" in await wire.ehlo()
    await again(wire, *more)


async def again(wire: Wire, *more: str) -> None:
    await wire.ask(" ".join(["MAIL FROM:<a@b.example> BODY=BINARYMIME", *more]), "250 2.1.0 ")
    await wire.ask(f"RCPT TO:<{TO}>", "250 2.1.5 ")


async def say(wire: Wire, octets: bytes, *sizes: int) -> None:
    """The message in chunks of these sizes, and the rest as the last one."""
    at = 0
    for size in sizes:
        await wire.send(b"BDAT %d\r\n%b" % (size, octets[at : at + size]))
        at += size
    await wire.send(b"BDAT %d LAST\r\n%b" % (len(octets) - at, octets[at:]))
    await wire.expect(*["250 2.0.0 "] * len(sizes))


def content_of(stored: bytes) -> bytes:
    header, _, body = stored.partition(b"\r\n\r\n")
    assert b"\r\nContent-Transfer-Encoding: base64" in header
    assert b"binary" not in header
    return transfer.decode(body, "base64")


async def test_every_octet_comes_back(host: SmtpHost, mx: Wire) -> None:
    """Whatever the chunks cut; and none of them is a command, or the end of anything."""
    await start(mx)
    for sizes in ((), (len(HEADER) + 13,), (len(HEADER) - 1, 1, 270)):
        await say(mx, HEADER + EVERYTHING, *sizes)
        await mx.expect("250 2.0.0 Ok: ")
        await mx.ask("NOOP", "250 2.0.0 Ok")
        await again(mx)
    stored = await host.inbox(TO)
    assert [content_of(octets) for octets in stored] == [EVERYTHING] * 3
    for octets in stored:
        assert octets.count(b"\r") == octets.count(b"\n") == octets.count(b"\r\n")
        assert b"\0" not in octets
    assert await host.account_of("evil@example.test") is None


async def test_a_large_one_goes_through_the_spool(host: SmtpHost, mx: Wire) -> None:
    content = EVERYTHING * 10_000
    await start(mx)
    await say(mx, HEADER + content, 1_000_000, 1_000_001)
    await mx.expect("250 2.0.0 Ok: ")
    (stored,) = await host.inbox(TO)
    assert content_of(stored) == content
    async with asyncio.timeout(20):
        while list(host.server.services.spool_directory.glob("*")):
            await asyncio.sleep(0.01)


async def test_outside_parts_there_are_lines_alone(host: SmtpHost, mx: Wire) -> None:
    await start(mx)
    for octets in (
        b"Subject: a\nb\r\n\r\nhi\r\n",
        b"Subject: a\0b\r\n\r\nhi\r\n",
        b"Content-Transfer-Encoding: base64\r\n\r\na\0b\r\n",
    ):
        await say(mx, octets)
        await mx.expect("550 5.6.0 ")
        await again(mx)
    await mx.send(b"BDAT 3 LAST\r\nhi\r")  # a header without an end, that ends within its line
    await mx.expect("550 5.6.0 ")
    assert await host.inbox(TO) == []
    assert not list(host.server.services.spool_directory.glob("*"))


async def test_it_does_not_go_with_data(host: SmtpHost, mx: Wire) -> None:
    """RFC 3030 section 3."""
    await start(mx)
    await mx.ask("DATA", "503 5.5.1 BODY=BINARYMIME goes with BDAT")
    await say(mx, HEADER + b"\0")
    await mx.expect("250 2.0.0 Ok: ")
    await mx.ask("MAIL FROM:<a@b.example> BODY=8BITMIME", "250 ")
    await mx.ask(f"RCPT TO:<{TO}>", "250 ")
    await say(mx, HEADER + b"\0")
    await mx.expect("550 5.6.0 ")


async def test_a_parameter_of_esmtp_alone(mx: Wire) -> None:
    await mx.expect("220 ")
    await mx.ask("HELO client.example", "250 ")
    await mx.ask("MAIL FROM:<a@b.example> BODY=BINARYMIME", "555 5.5.4 ")


async def test_what_is_signed_is_what_goes_on(host: SmtpHost) -> None:
    """Submission mends the header and converts before it looks at either."""
    user = await host.add_user("demo@example.test")
    wire = await host.logged_in(user)
    await wire.ask("MAIL FROM:<demo@example.test> BODY=BINARYMIME", "250 ")
    await wire.ask(f"RCPT TO:<{TO}>", "250 ")
    await say(wire, b"From: demo@example.test\r\nBcc: x@example.test\r\n" + HEADER + EVERYTHING)
    await wire.expect("250 2.0.0 Ok: ")
    (stored,) = await host.inbox(TO)
    assert content_of(stored) == EVERYTHING
    assert b"\r\nMessage-ID: <" in stored
    assert b"Bcc" not in stored
