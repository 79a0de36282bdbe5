"""STARTTLS and implicit TLS: RFC 3207, RFC 8314."""

from __future__ import annotations

import asyncio

from tests.support.smtp_host import DOMAIN, SmtpHost, Wire, smtp_host


async def test_after_starttls_everything_is_forgotten(host: SmtpHost, mx: Wire) -> None:
    """RFC 3207 section 4.2."""
    await mx.expect("220 ")
    assert "STARTTLS" in await mx.ehlo()
    await mx.ask("MAIL FROM:<a@b.example>", "250 ")
    await mx.start_tls(host.client_tls)
    await mx.ask("RCPT TO:<a@example.test>", "503 5.5.1 Send EHLO or HELO first.")
    assert "STARTTLS" not in await mx.ehlo()
    await mx.ask("RCPT TO:<a@example.test>", "503 5.5.1 MAIL comes before RCPT.")
    await mx.ask("STARTTLS", "503 5.5.1 ")
    await mx.transaction("a@b.example", "a@example.test")
    await mx.ask("A: b\r\n\r\nhi\r\n.", "250 2.0.0 ")
    [stored] = await host.inbox("a@example.test")
    assert b" with ESMTPS id " in stored
    assert b"\r\n\ttls TLS_" in stored


async def test_commands_injected_behind_starttls_are_discarded(host: SmtpHost, mx: Wire) -> None:
    """Whatever came in clear text with STARTTLS is not obeyed under TLS, nor answered there."""
    await mx.expect("220 ")
    await mx.ehlo()
    await mx.send(
        b"STARTTLS\r\nEHLO injected\r\nMAIL FROM:<evil@b.example>\r\nRCPT TO:<victim@example.test>\r\n"
        b"DATA\r\nevil\r\n.\r\n"
    )
    await mx.expect("220 2.0.0 ")
    await mx.handshake(host.client_tls)
    await mx.ask("NOOP", "250 2.0.0 Ok")
    await mx.ask("MAIL FROM:<a@b.example>", "503 5.5.1 Send EHLO or HELO first.")
    await mx.ehlo()
    await mx.ask("RCPT TO:<a@example.test>", "503 5.5.1 ")
    assert await host.account_of(f"victim@{DOMAIN}") is None


async def test_a_failed_handshake_ends_the_connection_and_no_other(host: SmtpHost, mx: Wire) -> None:
    await mx.expect("220 ")
    await mx.ask("STARTTLS", "220 2.0.0 ")
    await mx.send(b"this is no ClientHello\r\n" * 10)
    async with asyncio.timeout(20):
        await mx.reader.read()
    other = await host.connect("mx")
    await other.expect("220 ")
    await other.close()


async def test_submissions_speaks_tls_from_the_first_octet(host: SmtpHost) -> None:
    wire = await host.connect("submissions")
    await wire.expect("220 mx.example.test ESMTP ")
    keywords = await wire.ehlo()
    assert "STARTTLS" not in keywords
    assert "AUTH PLAIN LOGIN XOAUTH2 OAUTHBEARER" in keywords
    await wire.close()


async def test_tls_all_the_way_can_be_required_over_tls_alone(host: SmtpHost) -> None:
    """RFC 8689 section 2."""
    wire = await host.connect("mx")
    await wire.expect("220 ")
    assert "REQUIRETLS" not in await wire.ehlo()
    await wire.ask("MAIL FROM:<a@b.example> REQUIRETLS", "555 5.5.4 ")
    await wire.start_tls(host.client_tls)
    assert "REQUIRETLS" in await wire.ehlo()
    await wire.ask("MAIL FROM:<a@b.example> REQUIRETLS=yes", "501 5.5.4 ")
    await wire.ask("MAIL FROM:<a@b.example> REQUIRETLS", "250 2.1.0 ")
    await wire.ask("RCPT TO:<one@example.test>", "250 2.1.5 ")
    await wire.ask("DATA", "354 ")
    await wire.ask("A: b\r\n\r\nhi\r\n.", "250 2.0.0 ")
    await wire.close()


async def test_without_a_certificate_there_is_no_starttls(store, tmp_path, ca) -> None:  # type: ignore[no-untyped-def]
    async with smtp_host(store, tmp_path / "data", ca, with_tls=False) as host:
        wire = await host.connect("mx")
        await wire.expect("220 ")
        assert "STARTTLS" not in await wire.ehlo()
        await wire.ask("STARTTLS", "454 4.7.0 ")
        await wire.close()
