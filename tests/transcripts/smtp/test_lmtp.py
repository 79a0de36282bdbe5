"""LMTP: RFC 2033."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from unittest import mock

import pytest
from tests.support.smtp_host import ANY_PORT, SmtpHost, Wire

from mailkeep.errors import StoreUnavailable
from mailkeep.settings import SmtpSettings

BAD = b"a\rb\r\n.\r\n"


@pytest.fixture
def limits() -> dict[str, Any]:
    return {"lmtp": ANY_PORT, "max_message_size": 10_000}


@pytest.fixture
async def lmtp(host: SmtpHost) -> AsyncIterator[Wire]:
    """A connection past the greeting."""
    wire = await host.connect("lmtp")
    await wire.expect("220 mx.example.test LMTP ")
    yield wire
    await wire.close()


async def addressed(wire: Wire, *names: str) -> None:
    """LHLO, MAIL and RCPT."""
    await wire.lhlo()
    await wire.ask("MAIL FROM:<a@b.test>", "250 ")
    for name in names:
        await wire.ask(f"RCPT TO:<{name}@example.test>", "250 ")


async def test_what_section_5_requires_is_offered(lmtp: Wire) -> None:
    assert {"PIPELINING", "ENHANCEDSTATUSCODES", "8BITMIME"} <= set(await lmtp.lhlo())


async def test_helo_and_ehlo_are_not_spoken(lmtp: Wire) -> None:
    for greeting in ("HELO", "EHLO"):
        await lmtp.ask(f"{greeting} client.example", "502 5.5.1 This is LMTP: say LHLO.")
    await lmtp.ask("MAIL FROM:<a@b.test>", "503 5.5.1 ")


async def test_lhlo_is_not_spoken_in_smtp(mx: Wire) -> None:
    await mx.ask("LHLO client.example", "220 ", "500 5.5.1 ")


async def test_each_recipient_has_an_answer(host: SmtpHost, lmtp: Wire) -> None:
    """Section 4.2: as many as RCPT commands that were accepted, the same address twice included."""
    await addressed(lmtp, "one", "two", "one")
    await lmtp.ask("RCPT TO:<x@elsewhere.test>", "550 5.7.1 ")
    await lmtp.ask("DATA", "354 ")
    await lmtp.send(b"Subject: x\r\n\r\nhi\r\n.\r\nNOOP\r\n")
    answers = await lmtp.expect("250 2.0.0 Ok: ", "250 2.0.0 Ok: ", "250 2.0.0 Ok: ", "250 2.0.0 Ok")
    assert answers[0] == answers[1] == answers[2]
    for name in ("one", "two"):
        (kept,) = await host.inbox(f"{name}@example.test")
        assert b"with LMTP id " in kept


async def test_without_recipients_there_is_one_answer(lmtp: Wire) -> None:
    await lmtp.lhlo()
    await lmtp.ask("MAIL FROM:<a@b.test>", "250 ")
    await lmtp.ask("DATA", "503 5.5.1 ")
    await lmtp.ask("NOOP", "250 ")


@pytest.mark.parametrize("octets", [BAD, b"x" * 11_000 + b"\r\n.\r\n"])
async def test_a_refused_message_is_refused_for_each(lmtp: Wire, octets: bytes) -> None:
    await addressed(lmtp, "one", "two")
    await lmtp.ask("DATA", "354 ")
    await lmtp.send(octets + b"NOOP\r\n")
    await lmtp.expect("55", "55", "250 2.0.0 ")


async def test_a_fault_of_ours_is_one_for_each(host: SmtpHost, lmtp: Wire) -> None:
    await addressed(lmtp, "one", "two")
    broken = mock.patch.object(
        type(host.server.services.dispatch), "accept", side_effect=StoreUnavailable("gone")
    )
    with broken:
        await lmtp.ask("DATA", "354 ")
        await lmtp.send(b"A: b\r\n\r\nhi\r\n.\r\nNOOP\r\n")
        await lmtp.expect("451 4.3.0 ", "451 4.3.0 ", "250 2.0.0 ")


async def test_chunks_have_one_answer_and_the_last_as_many_as_recipients(host: SmtpHost, lmtp: Wire) -> None:
    await addressed(lmtp, "one", "two")
    await lmtp.send(b"BDAT 6\r\nA: b\r\nBDAT 6 LAST\r\n\r\nhi\r\nNOOP\r\n")
    await lmtp.expect("250 2.0.0 Ok: 6 octets", "250 2.0.0 Ok: ", "250 2.0.0 Ok: ", "250 2.0.0 Ok")
    assert len(await host.inbox("two@example.test")) == 1


async def test_a_chunk_that_fails_and_the_last_after_it(lmtp: Wire) -> None:
    await addressed(lmtp, "one", "two")
    await lmtp.send(b"BDAT 3\r\na\rbBDAT 2 LAST\r\nx\nNOOP\r\n")
    await lmtp.expect("550 5.6.0 ", "550 5.6.0 ", "550 5.6.0 ", "250 2.0.0 ")


async def test_tls_knows_no_other_greeting(host: SmtpHost, lmtp: Wire) -> None:
    assert "STARTTLS" in await lmtp.lhlo()
    await lmtp.start_tls(host.client_tls)
    assert "STARTTLS" not in await lmtp.lhlo()


def test_port_25_is_not_for_lmtp() -> None:
    with pytest.raises(ValueError, match="lmtp"):
        SmtpSettings(lmtp=("127.0.0.1:25",))
