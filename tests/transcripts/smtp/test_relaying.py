"""Who may send mail elsewhere, and that it is in the queue when they are told so."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.support.smtp_host import SmtpHost, TestUser, Wire

from mailkeep.settings_relay import RelaySettings

OWN = b"From: Demo <demo@example.test>\r\nSubject: hi\r\n\r\nhello\r\n.\r\n"
ELSEWHERE = [
    "<a@elsewhere.example>",
    "<@example.test:a@elsewhere.example>",
    "<@example.test,@other.example:a@elsewhere.example>",
    '<"a@example.test"@elsewhere.example>',
    "<a%example.test@elsewhere.example>",
    "<example.test!a@elsewhere.example>",
    "<a@[127.0.0.1]>",
    "<a@[IPv6:::1]>",
    "<a@localhost>",
    "<a@mx.example.test>",
    "<a@example.test.elsewhere.example>",
    "<a@elsewhere.example.>",
]
ODD_BUT_OURS = [
    "<a%elsewhere.example@example.test>",
    "<elsewhere.example!a@example.test>",
    '<"a@elsewhere.example"@example.test>',
    "<@elsewhere.example:a@example.test>",
    '<"a%b@elsewhere.example"@example.test>',
]
SENDERS = ["<>", "<demo@example.test>", "<postmaster@example.test>", "<a@elsewhere.example>"]


@pytest.fixture
def relay() -> RelaySettings:
    """Relaying is on, and nothing takes mail out of the queue."""
    return RelaySettings(route="direct", run_queue=False)


@pytest.fixture
def limits() -> dict[str, Any]:
    return {"max_errors": 1000}


@pytest.fixture
async def demo(host: SmtpHost) -> TestUser:
    return await host.add_user("demo@example.test")


async def queued(host: SmtpHost) -> list[str]:
    return [entry.recipient for entry in await host.store.queue.entries()]


# --- the MX listener, for nobody ------------------------------------------------------------------


@pytest.mark.parametrize("greeting", ["EHLO demo@example.test", "EHLO example.test", "HELO localhost"])
async def test_the_mx_relays_for_nobody(host: SmtpHost, mx: Wire, demo: TestUser, greeting: str) -> None:
    """However the client calls itself, whatever it claims to send as, and though it is on loopback."""
    await mx.expect("220 ")
    await mx.ask(greeting, "250")
    for sender in SENDERS:
        for path in ELSEWHERE:
            await mx.ask(f"MAIL FROM:{sender}", "250 2.1.0 ")
            await mx.ask(f"RCPT TO:{path}", "550 5.7.1 ")
            await mx.ask("DATA", "503 5.5.1 ")
            await mx.ask("RSET", "250 2.0.0 ")
    assert await queued(host) == []


async def test_the_mx_takes_no_credentials_that_could_open_it(mx: Wire, demo: TestUser) -> None:
    await mx.expect("220 ")
    assert not [word for word in await mx.ehlo() if word.startswith("AUTH")]
    await mx.ask(f"AUTH PLAIN {demo.plain}", "502 5.5.1 ")
    await mx.ask("MAIL FROM:<demo@example.test> AUTH=<>", "555 5.5.4 ")
    await mx.ask("MAIL FROM:<demo@example.test>", "250 2.1.0 ")
    await mx.ask("RCPT TO:<a@elsewhere.example>", "550 5.7.1 ")


async def test_odd_local_parts_of_ours_never_leave(host: SmtpHost, mx: Wire) -> None:
    """Whatever they would say to a host that reads local parts (RFC 5321 section 2.3.11)."""
    await mx.expect("220 ")
    await mx.ehlo()
    await mx.ask("MAIL FROM:<>", "250 2.1.0 ")
    for path in ODD_BUT_OURS:
        await mx.ask(f"RCPT TO:{path}", "250 2.1.5 ")
    await mx.ask("DATA", "354 ")
    await mx.ask("A: b\r\n\r\nhi\r\n.", "250 2.0.0 ")
    assert await queued(host) == []
    assert len(await host.store.directory.addresses()) == len(ODD_BUT_OURS)


# --- submission, for our users --------------------------------------------------------------------


async def test_a_user_may_send_anywhere(host: SmtpHost, demo: TestUser) -> None:
    wire = await host.logged_in(demo)
    await wire.transaction(
        "demo@example.test", "a@elsewhere.example", "b@else.example", "friend@example.test"
    )
    await wire.send(OWN)
    (told,) = await wire.expect("250 2.0.0 Ok: ")
    entries = await host.store.queue.entries()
    assert [entry.recipient for entry in entries] == ["a@elsewhere.example", "b@else.example"]
    assert {entry.message_id for entry in entries} == {told.rpartition(" ")[2]}
    assert {entry.user_id for entry in entries} == {demo.user_id}
    _, body = await host.store.queue.message(entries[0].message_id)
    octets = await body.read()
    assert octets.startswith(b"Received: from client.example ")
    assert b"Return-Path" not in octets
    (local,) = await host.inbox("friend@example.test")
    assert local == b"Return-Path: <demo@example.test>\r\n" + octets
    await wire.close()


async def test_by_chunks_too(host: SmtpHost, demo: TestUser) -> None:
    wire = await host.logged_in(demo)
    await wire.ask("MAIL FROM:<demo@example.test>", "250 ")
    await wire.ask("RCPT TO:<a@elsewhere.example>", "250 ")
    octets = OWN[:-3]
    await wire.send(b"BDAT %d LAST\r\n%b" % (len(octets), octets))
    await wire.expect("250 2.0.0 Ok: ")
    assert await queued(host) == ["a@elsewhere.example"]
    await wire.close()


async def test_nobody_may_before_they_have_said_who_they_are(host: SmtpHost) -> None:
    wire = await host.connect("submissions")
    await wire.expect("220 ")
    await wire.ehlo()
    for command in ("MAIL FROM:<demo@example.test>", "RCPT TO:<a@elsewhere.example>", "DATA"):
        await wire.ask(command, "530 5.7.0 Authentication required.")
    assert await queued(host) == []
    await wire.close()


async def test_a_message_may_be_told_to_wait(host: SmtpHost, demo: TestUser) -> None:
    """RFC 4865: whoever is here waits as those elsewhere do."""
    wire = await host.logged_in(demo)
    (offer,) = [word for word in await wire.ehlo() if word.startswith("FUTURERELEASE")]
    assert offer.split()[1] == str(30 * 86400)
    await wire.ask("MAIL FROM:<demo@example.test> HOLDFOR=99999999", "501 5.5.4 ")
    await wire.ask("MAIL FROM:<demo@example.test> HOLDFOR=3600", "250 ")
    await wire.ask("RCPT TO:<a@elsewhere.example>", "250 ")
    await wire.ask("RCPT TO:<friend@example.test> NOTIFY=SUCCESS", "250 ")
    await wire.ask("DATA", "354 ")
    await wire.send(OWN)
    await wire.expect("250 2.0.0 Ok: ")
    assert await host.inbox("friend@example.test") == []
    for entry in await host.store.queue.entries():
        assert entry.next_attempt_at is not None
        waits = entry.next_attempt_at - entry.created_at
        assert timedelta(seconds=3590) < waits <= timedelta(seconds=3600)
    assert await queued(host) == ["a@elsewhere.example", "friend@example.test"]
    await wire.close()


async def test_mail_from_outside_is_not_told_to_wait(mx: Wire) -> None:
    await mx.expect("220 ")
    assert not [word for word in await mx.ehlo() if word.startswith("FUTURERELEASE")]
    await mx.ask("MAIL FROM:<a@b.example> HOLDFOR=60", "555 5.5.4 ")


async def test_what_is_refused_is_not_queued(host: SmtpHost, demo: TestUser) -> None:
    wire = await host.logged_in(demo)
    await wire.transaction("demo@example.test", "a@elsewhere.example")
    await wire.send(OWN.replace(b"demo@", b"boss@"))
    await wire.expect("550 5.7.1 ")
    assert await queued(host) == []
    await wire.close()
