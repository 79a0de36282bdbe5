"""BDAT as a peer sees it: RFC 3030 section 2."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.support.smtp_host import SmtpHost, Wire, smtp_host

LIMIT = 3 * 1024 * 1024
TO = "victim@example.test"


@pytest.fixture
def limits() -> dict[str, Any]:
    return {"max_message_size": LIMIT, "max_errors": 30}


async def start(wire: Wire, sender: str = "a@b.example") -> None:
    await wire.expect("220 ")
    assert "CHUNKING" in await wire.ehlo()
    await again(wire, sender)


async def again(wire: Wire, sender: str = "a@b.example") -> None:
    await wire.ask(f"MAIL FROM:<{sender}>", "250 2.1.0 ")
    await wire.ask(f"RCPT TO:<{TO}>", "250 2.1.5 ")


def bdat(octets: bytes, last: str = "") -> bytes:
    return b"BDAT %d%b\r\n%b" % (len(octets), last.encode(), octets)


async def no_trace(host: SmtpHost) -> None:
    assert await host.account_of(TO) is None
    assert not list(host.server.services.spool_directory.glob("*"))


async def stored_of(host: SmtpHost) -> list[bytes]:
    """What lies in the INBOX, without the five lines of trace."""
    return [octets.split(b"\r\n", 5)[5] for octets in await host.inbox(TO)]


# --- what is taken --------------------------------------------------------------------------------


async def test_a_message_in_chunks(host: SmtpHost, mx: Wire) -> None:
    """RFC 3030 section 4.1."""
    await start(mx)
    await mx.play("""
    C: BDAT 10
    C: Subject:
    S: 250 2.0.0 Ok: 10 octets
    C: BDAT 14 LAST
    C:
    C: b
    C: .
    C: ..hi
    S: 250 2.0.0 Ok: ...
    C: NOOP
    S: 250 2.0.0 Ok
    """)
    assert await stored_of(host) == [b"Subject:\r\n\r\nb\r\n.\r\n..hi\r\n"]


async def test_an_empty_last_chunk_ends_a_message(host: SmtpHost, mx: Wire) -> None:
    await start(mx)
    await mx.send(bdat(b"A: b\r\n\r\nhi\r\n") + b"bdat 0 last\r\n")
    await mx.expect("250 2.0.0 Ok: 12 octets", "250 2.0.0 Ok: ")
    await again(mx)
    await mx.send(bdat(b"") + bdat(b"A: c\r\n\r\nhi\r\n", " LAST") + b"BDAT 3\r\nhi\r")
    await mx.expect("250 2.0.0 Ok: 0 octets", "250 2.0.0 Ok: ", "503 5.5.1 ")
    await again(mx)
    await mx.ask("BDAT 0 LAST", "250 2.0.0 ")
    assert await stored_of(host) == [b"A: b\r\n\r\nhi\r\n", b"A: c\r\n\r\nhi\r\n", b""]


async def test_everything_pipelined(host: SmtpHost, mx: Wire) -> None:
    """RFC 3030 section 4.2, and DATA in the transaction after it."""
    await mx.expect("220 ")
    await mx.ehlo()
    envelope = f"MAIL FROM:<a@b.example>\r\nRCPT TO:<{TO}>\r\n".encode()
    await mx.send(
        envelope
        + bdat(b"A: b\r")
        + bdat(b"\n\r\nQUIT\r\n.\r\n", " LAST")
        + envelope
        + b"DATA\r\nA: c\r\n\r\nBDAT 9\r\n.\r\nNOOP\r\n"
    )
    await mx.expect("250 2.1.0 ", "250 2.1.5 ", "250 2.0.0 Ok: 5 octets", "250 2.0.0 Ok: ")
    await mx.expect("250 2.1.0 ", "250 2.1.5 ", "354 ", "250 2.0.0 Ok: ", "250 2.0.0 Ok")
    assert await stored_of(host) == [b"A: b\r\n\r\nQUIT\r\n.\r\n", b"A: c\r\n\r\nBDAT 9\r\n"]


async def test_octet_by_octet(host: SmtpHost, mx: Wire) -> None:
    """As reads of one octet, and as chunks of one octet."""
    message = b"A: b\r\n\r\n.\r\nhi"
    await start(mx)
    for octet in bdat(message, " LAST"):
        await mx.send(bytes([octet]))
    await mx.expect("250 2.0.0 Ok: ")
    await again(mx)
    await mx.send(b"".join(bdat(bytes([octet])) for octet in message) + b"BDAT 0 LAST\r\n")
    await mx.expect(*["250 2.0.0 Ok: 1 octets"] * len(message), "250 2.0.0 Ok: ")
    assert await stored_of(host) == [message, message]


async def test_a_large_message(host: SmtpHost, mx: Wire) -> None:
    """To the octet of the limit, through the spool."""
    message = b"A: b\r\n\r\n" + (b"x" * 98 + b"\r\n") * (LIMIT // 100)
    message += b"y" * (LIMIT - len(message))
    await start(mx)
    for at in range(0, LIMIT, 700_001):
        await mx.send(bdat(message[at : at + 700_001]))
        await mx.expect("250 2.0.0 ")
    await mx.ask("BDAT 0 LAST", "250 2.0.0 ")
    assert await stored_of(host) == [message]
    assert not list(host.server.services.spool_directory.glob("*"))


async def test_submission_mends_headers_in_chunks_too(host: SmtpHost) -> None:
    demo = await host.add_user("demo@example.test")
    await host.add_user("other@example.test")
    wire = await host.logged_in(demo)
    await again(wire, "demo@example.test")
    message = b"Bcc: secret@example.test\r\nFrom: demo@example.test\r\n\r\nhi"
    await wire.send(b"".join(bdat(bytes([octet])) for octet in message) + b"BDAT 0 LAST\r\n")
    await wire.expect(*["250 2.0.0 "] * (len(message) + 1))
    await again(wire, "demo@example.test")
    await wire.send(bdat(b"From: other@example.test\r\n\r\nhi", " LAST"))
    await wire.expect("550 5.7.1 The From field holds an address that is not yours.")
    [stored] = await host.inbox(TO)
    assert b"secret" not in stored
    assert b"From: demo@example.test\r\nDate: " in stored
    assert stored.endswith(b"@mx.example.test>\r\n\r\nhi")
    await wire.close()


# --- what is refused ------------------------------------------------------------------------------

INJECTED = b"MAIL FROM:<evil@b.example>\r\nRCPT TO:<evil@example.test>\r\nQUIT\r\n"


async def test_octets_of_a_refused_chunk_are_no_commands(host: SmtpHost, mx: Wire) -> None:
    """Out of sequence, before EHLO, without recipients: all of them are read, then refused."""
    await mx.expect("220 ")
    for _ in range(2):
        await mx.send(bdat(INJECTED, " LAST"))
        await mx.expect("503 5.5.1 Send EHLO or HELO first.")
    await mx.ehlo()
    await mx.send(bdat(INJECTED))
    await mx.expect("503 5.5.1 ")
    await mx.ask("MAIL FROM:<a@b.example>", "250 ")
    await mx.ask("RCPT TO:<a@elsewhere.example>", "550 ")
    await mx.send(bdat(INJECTED) + bdat(INJECTED, " LAST") + b"NOOP\r\n")
    await mx.expect("503 5.5.1 ", "503 5.5.1 ", "250 2.0.0 Ok")
    submission = await host.connect("submission")
    await submission.expect("220 ")
    await submission.ehlo()
    await submission.send(bdat(INJECTED, " LAST") + b"NOOP\r\n")
    await submission.expect("530 5.7.0 ", "250 2.0.0 Ok")
    await submission.close()
    assert await host.account_of("evil@example.test") is None


async def test_a_size_that_cannot_be_read_ends_the_connection(host: SmtpHost) -> None:
    """What follows it could be content or commands: it is neither."""
    arguments = ("", "x", "-5 LAST", "5 FIRST", "9" * 30, " " * 3000 + "5", "\x015", "\xff")
    lines = [f"BDAT {argument}\r\n".encode("latin-1") for argument in arguments]
    for line in (*lines, b"BDAT 5\n", b"bdat\t5\r\n"):
        wire = await host.connect()
        await start(wire)
        await wire.send(line + INJECTED)
        await wire.expect("501 5.5.4 ")
        await wire.closed()
        await wire.close()
    await no_trace(host)


async def test_data_and_rcpt_do_not_mix_with_chunks(host: SmtpHost, mx: Wire) -> None:
    await start(mx)
    await mx.send(bdat(b"A: b\r\n\r\n"))
    await mx.expect("250 ")
    await mx.ask("DATA", "503 5.5.1 BDAT has begun the message")
    await mx.ask("RCPT TO:<late@example.test>", "503 5.5.1 ")
    await mx.ask("MAIL FROM:<late@example.test>", "503 5.5.1 ")
    await mx.send(bdat(b"hi\r\n", " LAST"))
    await mx.expect("250 2.0.0 Ok: ")
    await mx.send(bdat(b"more", " LAST"))
    await mx.expect("503 5.5.1 ")
    assert await stored_of(host) == [b"A: b\r\n\r\nhi\r\n"]


async def test_a_reset_forgets_the_chunks(host: SmtpHost, mx: Wire) -> None:
    await start(mx)
    for reset in ("RSET", "HELO client.example", "EHLO client.example"):
        await mx.send(bdat(b"A: b\r\n\r\n" + (b"x" * 98 + b"\r\n") * 20_000))
        await mx.expect("250 ")
        assert list(host.server.services.spool_directory.iterdir())
        await mx.ask(reset, "250 ")
        await no_trace(host)
        if reset.startswith("HELO"):
            await mx.ehlo()
        await again(mx)
    await mx.ask("DATA", "354 ")
    await mx.ask("A: c\r\n\r\nhi\r\n.", "250 ")
    assert await stored_of(host) == [b"A: c\r\n\r\nhi\r\n"]


async def test_past_the_size_limit(host: SmtpHost, mx: Wire) -> None:
    """One refusal, told again for each chunk that was on its way; then the connection is as good as new."""
    await start(mx)
    big = bdat((b"x" * 94 + b"\r\n") * (LIMIT // 192))
    await mx.send(big + big + bdat(b"") + bdat(b"x") + bdat(b"") * 100 + big)
    await mx.expect("250 ", "250 ", "250 ", *["552 5.3.4 "] * 102)
    await no_trace(host)
    await mx.ask("DATA", "503 5.5.1 ")
    await mx.send(bdat(b"x", " LAST"))
    await mx.expect("552 5.3.4 ")
    await again(mx)
    await mx.send(bdat(b"A: b\r\n", " LAST"))
    await mx.expect("250 2.0.0 Ok: ")
    assert await stored_of(host) == [b"A: b\r\n"]


async def test_a_chunk_or_message_far_past_the_limit_ends_the_connection(host: SmtpHost, mx: Wire) -> None:
    await start(mx)
    await mx.send(f"BDAT {4 * LIMIT + 1} LAST\r\n".encode() + INJECTED)
    await mx.expect("552 5.3.4 ")
    await mx.closed()
    other = await host.connect()
    await start(other)
    for _ in range(4):
        await other.send(bdat(b"x\r\n" * (LIMIT // 3)))
        await other.reply()
    await other.send(b"BDAT 1\r\nx" + INJECTED)
    await other.expect("552 5.3.4 ")
    await other.closed()
    await no_trace(host)


async def test_only_lines_that_end_in_crlf(host: SmtpHost, mx: Wire) -> None:
    """As on DATA; also where a chunk's end hides it."""
    await start(mx)
    for bad in (b"a\nb\r\n", b"a\rb\r\n", b"a\0b\r\n", b"\n.\n", b"\r"):
        message = b"A: b\r\n\r\n" + bad
        await mx.send(bdat(message, " LAST") + b"NOOP\r\n")
        await mx.expect("550 5.6.0 ", "250 2.0.0 Ok")
        await again(mx)
        await mx.send(b"".join(bdat(bytes([octet])) for octet in message) + b"BDAT 0 LAST\r\n")
        replies = [(await mx.reply())[0] for _ in range(len(message) + 1)]
        assert replies[0].startswith("250 ")
        assert replies[-1].startswith("550 5.6.0 ")
        await again(mx)
    await no_trace(host)


# --- what breaks off ------------------------------------------------------------------------------


async def test_a_client_that_goes_leaves_nothing(host: SmtpHost) -> None:
    """Within a chunk, and between two."""
    for rest in (b"BDAT 5000000 LAST\r\nx", b""):
        wire = await host.connect()
        await start(wire)
        await wire.send(bdat(b"A: b\r\n\r\n" + (b"x" * 98 + b"\r\n") * 20_000) + rest)
        await wire.expect("250 ")
        wire.writer.transport.abort()
    async with asyncio.timeout(20):
        while host.server.services.open_sessions:
            await asyncio.sleep(0.01)
    await no_trace(host)


async def test_a_client_that_stalls_within_a_chunk_is_told(store: Any, tmp_path: Path, ca: Any) -> None:
    async with smtp_host(store, tmp_path / "data", ca, data_timeout_seconds=0.3) as host:
        for start_of_chunk in (b"BDAT 9 LAST\r\nhalf", b"BDAT 7000 LAST\r\nx"):
            wire = await host.connect()
            await start(wire)
            await wire.send(start_of_chunk)
            await wire.expect("421 4.4.2 ")
            await wire.closed()
        await no_trace(host)


async def test_chunks_that_drip_are_one_message_too_slow(store: Any, tmp_path: Path, ca: Any) -> None:
    async with smtp_host(store, tmp_path / "data", ca, data_timeout_seconds=0.5) as host:
        wire = await host.connect()
        await start(wire)

        async def drip() -> None:
            while True:
                await wire.send(b"BDAT 1\r\n")
                await asyncio.sleep(0.05)
                await wire.send(b"x")

        dripping = asyncio.ensure_future(drip())
        while (line := await wire.line()).startswith("250 "):
            pass
        assert line.startswith("421 4.4.2 ")
        dripping.cancel()
        await wire.close()
        await no_trace(host)


async def test_a_spool_that_cannot_be_written(host: SmtpHost, mx: Wire) -> None:
    host.server.services.spool_directory.parent.mkdir(parents=True, exist_ok=True)
    host.server.services.spool_directory.write_bytes(b"a file where the directory should be")
    await start(mx)
    await mx.send(bdat(b"x\r\n" * 500_000) + bdat(b"x") + bdat(b"", " LAST"))
    await mx.expect("452 4.3.1 ", "452 4.3.1 ", "452 4.3.1 ")
    await again(mx)
    await mx.send(bdat(b"A: b\r\n", " LAST"))
    await mx.expect("250 2.0.0 Ok: ")


async def test_shutting_down_between_chunks_drops_the_message(host: SmtpHost, mx: Wire) -> None:
    await start(mx)
    await mx.send(bdat(b"A: b\r\n\r\n"))
    await mx.expect("250 ")
    closing = asyncio.ensure_future(host.server.close())
    await mx.expect("421 4.3.2 ")
    await mx.closed()
    await closing
    await no_trace(host)
