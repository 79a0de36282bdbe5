"""Delivery reports for mail that stays here: RFC 3461, RFC 3464."""

from __future__ import annotations

from email import message_from_bytes

from tests.support.smtp_host import SmtpHost, TestUser, Wire

MESSAGE = "From: a@b.example\r\nSubject: hi\r\n\r\nhello\r\n."


async def send(wire: Wire, mail: str, *rcpts: str) -> None:
    await wire.ask(f"MAIL FROM:{mail}", "250 2.1.0 ")
    for rcpt in rcpts:
        await wire.ask(f"RCPT TO:{rcpt}", "250 2.1.5 ")
    await wire.ask("DATA", "354 ")
    await wire.ask(MESSAGE, "250 2.0.0 ")


async def greeted(mx: Wire) -> Wire:
    await mx.expect("220 ")
    assert "DSN" in await mx.ehlo()
    return mx


async def test_success_is_reported_if_it_is_asked_for(host: SmtpHost, mx: Wire) -> None:
    wire = await greeted(mx)
    await send(
        wire,
        "<sender@example.test> RET=FULL ENVID=Q+2B1",
        "<one@example.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;First+2BName@old.example",
        "<two@example.test> NOTIFY=FAILURE,DELAY",
        "<three@example.test>",
    )
    (octets,) = await host.inbox("sender@example.test")
    assert octets.startswith(b"Return-Path: <>\r\n")
    _, status, returned = message_from_bytes(octets).get_payload()
    message, recipient = (dict(group.items()) for group in status.get_payload())
    assert message["Original-Envelope-Id"] == "Q+1"
    assert recipient["Original-Recipient"] == "rfc822; First+Name@old.example"
    assert recipient["Final-Recipient"] == "rfc822; one@example.test"
    assert (recipient["Action"], recipient["Status"]) == ("delivered", "2.1.5")
    assert returned.get_content_type() == "text/rfc822-headers"
    assert "Subject: hi" in returned.get_payload()
    for name in ("one", "two", "three"):
        assert len(await host.inbox(f"{name}@example.test")) == 1


async def test_an_orcpt_beyond_ascii_needs_smtputf8(host: SmtpHost, mx: Wire) -> None:
    """RFC 6533 section 3; its escapes do not."""
    wire = await greeted(mx)
    await wire.ask("MAIL FROM:<a@b.example>", "250 ")
    await wire.ask("RCPT TO:<one@example.test> ORCPT=utf-8;jos\u00e9@far.test", "553 5.6.7 ")
    await wire.ask("RCPT TO:<one@example.test> ORCPT=utf-8;jos\\x{E9}@far.test", "250 ")
    await wire.ask("RSET", "250 ")
    await wire.ask("MAIL FROM:<a@b.example> SMTPUTF8", "250 ")
    await wire.ask("RCPT TO:<one@example.test> ORCPT=utf-8;jos\u00e9@far.test", "250 ")


async def test_by_chunks_too(host: SmtpHost, mx: Wire) -> None:
    wire = await greeted(mx)
    await wire.ask("MAIL FROM:<sender@example.test>", "250 ")
    await wire.ask("RCPT TO:<one@example.test> NOTIFY=SUCCESS", "250 ")
    await wire.send(b"BDAT 8 LAST\r\nA: b\r\n\r\n")
    await wire.expect("250 2.0.0 ")
    assert len(await host.inbox("sender@example.test")) == 1


async def test_nobody_hears_of_a_report(host: SmtpHost, mx: Wire) -> None:
    await send(await greeted(mx), "<>", "<one@example.test> NOTIFY=SUCCESS")
    assert [record.address for record in await host.store.directory.addresses()] == ["one@example.test"]


async def test_a_sender_elsewhere_hears_nothing_where_mail_does_not_leave(host: SmtpHost, mx: Wire) -> None:
    await send(await greeted(mx), "<a@far.test>", "<one@example.test> NOTIFY=SUCCESS")
    assert await host.store.queue.entries() == []
    assert len(await host.inbox("one@example.test")) == 1


async def test_on_submission_too(host: SmtpHost) -> None:
    demo: TestUser = await host.add_user("demo@example.test")
    wire = await host.logged_in(demo)
    await wire.ask("MAIL FROM:<demo@example.test> ENVID=x", "250 ")
    await wire.ask("RCPT TO:<friend@example.test> NOTIFY=SUCCESS", "250 ")
    await wire.ask("DATA", "354 ")
    await wire.ask(MESSAGE.replace("a@b.example", "demo@example.test"), "250 2.0.0 ")
    (report,) = await host.inbox("demo@example.test")
    assert b"Action: delivered\r\n" in report
    await wire.close()
