"""Aliases that lead elsewhere: what leaves, under which reverse-path, and how reports come back."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import dkim as dkimpy
import pytest
from tests.support.dns_zone import DnsZone
from tests.support.smtp_host import SmtpHost, Wire, smtp_host

from mailkeep.delivery.dkim_keys import DkimKeyFiles, PublishedKey
from mailkeep.model.address import Address
from mailkeep.model.directory import DmarcPolicy
from mailkeep.net.development import DevelopmentCa
from mailkeep.settings_dns import DnsSettings
from mailkeep.settings_reception import ReceptionSettings
from mailkeep.settings_relay import RelaySettings
from mailkeep.storage.interface import QueueFilter, Store

ZONE = """
client.example. A 127.0.0.1
1.0.0.127.in-addr.arpa. PTR client.example.
honest.test. TXT "v=spf1 ip4:127.0.0.1 -all"
_dmarc.honest.test. TXT "v=DMARC1; p=reject"
strict.test. TXT "v=spf1 -all"
_dmarc.strict.test. TXT "v=DMARC1; p=reject"
"""
MESSAGE = b"From: x@honest.test\r\nTo: team@example.test\r\nSubject: hi\r\n\r\nHello.  \r\n"
TEAM = "team@example.test"


@pytest.fixture
def relay() -> RelaySettings:
    """What leaves stays in the queue, to be looked at."""
    return RelaySettings(run_queue=False)


@pytest.fixture
async def host(
    store: Store, tmp_path: Path, ca: DevelopmentCa, relay: RelaySettings, limits: dict[str, Any]
) -> AsyncIterator[SmtpHost]:
    with DnsZone(ZONE) as zone:
        async with smtp_host(
            store,
            tmp_path / "data",
            ca,
            relay=relay,
            dns=DnsSettings(nameservers=(zone.place,), timeout_seconds=5.0),
            reception=ReceptionSettings(trusted_networks=()),
        ) as running:
            yield running


async def lead(host: SmtpHost, alias: str, *targets: str) -> None:
    await host.store.aliases.add(Address.parse(alias), [Address.parse(one) for one in targets])


async def send(wire: Wire, sender: str, octets: bytes, *recipients: str) -> str:
    await wire.transaction(sender, *recipients)
    await wire.send(octets + b".\r\n")
    return (await wire.reply())[-1]


async def greeted(host: SmtpHost) -> Wire:
    wire = await host.connect("mx")
    await wire.expect("220 ")
    await wire.ehlo()
    return wire


async def left(host: SmtpHost) -> list[tuple[str, str, bytes]]:
    """Reverse-path, recipient and octets of everything that waits to leave."""
    found = []
    for entry in await host.store.queue.entries():
        _, body = await host.store.queue.message(entry.message_id)
        found.append((entry.sender, entry.recipient, await body.read()))
    return found


def keys(host: SmtpHost) -> list[PublishedKey]:
    files: DkimKeyFiles = host.server._signer._files
    return [files.add("example.test", "e", "ed25519"), files.add("example.test", "r", "rsa")]


# --- what leaves ----------------------------------------------------------------------------------


async def test_an_alias_leads_elsewhere(host: SmtpHost, mx: Wire) -> None:
    records = {f"{key.name}.".encode(): key.value.encode() for key in keys(host)}
    await lead(host, TEAM, "Ann@far.test", "bob@example.test")
    wire = await greeted(host)
    assert (await send(wire, "x@honest.test", MESSAGE, TEAM)).startswith("250 ")
    ((sender, recipient, octets),) = await left(host)
    assert recipient == "Ann@far.test"
    assert re.fullmatch(r"SRS0=[A-Z2-7]{8}=[A-Z2-7]{2}=honest\.test=x@example\.test", sender)
    assert octets.startswith(b"Delivered-To: team@example.test\r\nARC-Seal: i=1; a=rsa-sha256; cv=none;")
    assert octets.endswith(MESSAGE)
    status, _, reason = dkimpy.arc_verify(octets, dnsfunc=lambda name, timeout=5: records[name])
    assert status == dkimpy.CV_Pass, reason
    assert b"ARC-Authentication-Results: i=1; mx.example.test;" in octets
    (kept,) = await host.inbox("bob@example.test")
    assert b"Delivered-To" not in kept
    assert b"ARC-" not in kept
    assert kept.startswith(b"Return-Path: <x@honest.test>\r\n")


async def test_reports_ask_for_the_alias(host: SmtpHost) -> None:
    """RFC 3461 section 5.2.1: ORCPT is what was said to us."""
    await lead(host, TEAM, "ann@far.test")
    wire = await greeted(host)
    await wire.ask("MAIL FROM:<x@honest.test> RET=HDRS ENVID=a+2Bb", "250 ")
    await wire.ask(f"RCPT TO:<{TEAM}> NOTIFY=FAILURE", "250 ")
    await wire.ask("DATA", "354 ")
    await wire.send(MESSAGE + b".\r\n")
    await wire.expect("250 ")
    (claimed,) = await host.store.queue.claim("lease", 5, 60)
    assert claimed.request.notify == "FAILURE"
    assert claimed.request.orcpt == "rfc822;team@example.test"


async def test_the_null_reverse_path_stays_null(host: SmtpHost) -> None:
    await lead(host, TEAM, "ann@far.test")
    assert (await send(await greeted(host), "", MESSAGE.replace(b"honest", b"other"), TEAM)).startswith(
        "250 "
    )
    ((sender, _, _),) = await left(host)
    assert sender == ""


async def test_a_sender_too_long_to_be_rewritten_stays(host: SmtpHost) -> None:
    long = "x" * 230 + "@honest.test"
    await lead(host, TEAM, "ann@far.test")
    assert (await send(await greeted(host), long, MESSAGE, TEAM)).startswith("250 ")
    ((sender, _, _),) = await left(host)
    assert sender == long


async def test_one_alias_a_transaction_leads_elsewhere(host: SmtpHost) -> None:
    """Delivered-To of one is nothing for the other's readers; senders try the rest again (RFC 5321 section
    4.5.3.1.10)."""
    await lead(host, TEAM, "ann@far.test")
    await lead(host, "crew@example.test", "bob@far.test")
    wire = await greeted(host)
    await wire.ask("MAIL FROM:<x@honest.test>", "250 ")
    await wire.ask(f"RCPT TO:<{TEAM}>", "250 ")
    await wire.ask("RCPT TO:<crew@example.test>", "452 4.5.3 ")
    await wire.ask(f"RCPT TO:<{TEAM}>", "250 ")
    await wire.ask("RCPT TO:<here@example.test>", "250 ")


async def test_what_our_own_users_send_needs_nothing(host: SmtpHost) -> None:
    user = await host.add_user("demo@example.test")
    await lead(host, TEAM, "ann@far.test")
    wire = await host.logged_in(user)
    assert (
        await send(
            wire, "demo@example.test", MESSAGE.replace(b"x@honest", b"demo@example"), TEAM, "b@far.test"
        )
    ).startswith("250 ")
    found = await left(host)
    assert [one[:2] for one in found] == [
        ("demo@example.test", "ann@far.test"),
        ("demo@example.test", "b@far.test"),
    ]
    assert all(b"Delivered-To" not in octets for *_, octets in found)


# --- what does not leave --------------------------------------------------------------------------


async def test_what_has_been_here_is_in_a_loop(host: SmtpHost) -> None:
    await lead(host, TEAM, "ann@far.test")
    wire = await greeted(host)
    for been in (b"team@example.test", b" <TEAM@Example.test> ", b"team+tag@example.test"):
        looped = b"Delivered-To: other@example.test\r\nDelivered-To: " + been + b"\r\n" + MESSAGE
        assert (await send(wire, "x@honest.test", looped, TEAM)).startswith("554 5.4.6 ")
    elsewhere = b"Delivered-To: team@far.test\r\nDelivered-To: \xff\r\n" + MESSAGE
    assert (await send(wire, "x@honest.test", elsewhere, TEAM)).startswith("250 ")


async def test_what_fails_dmarc_is_not_laundered(host: SmtpHost) -> None:
    """Whatever else the transaction is for; unless the domain has said that it takes such mail."""
    forged = MESSAGE.replace(b"honest", b"strict")
    await lead(host, TEAM, "ann@far.test")
    wire = await greeted(host)
    for recipients in ((TEAM,), (TEAM, "bob@example.test")):
        assert (await send(wire, "x@strict.test", forged, *recipients)).startswith("550 5.7.26 ")
    assert await left(host) == []
    await host.store.directory.set_reception("example.test", DmarcPolicy.ACCEPT, None)
    assert (await send(wire, "x@strict.test", forged, TEAM)).startswith("250 ")
    ((_, _, octets),) = await left(host)
    assert b"dmarc=fail" in octets


@pytest.mark.parametrize(
    "relay",
    [RelaySettings(run_queue=False, forwarding="off"), RelaySettings(route="off")],
    ids=["off", "route"],
)
async def test_forwarding_can_be_off(host: SmtpHost) -> None:
    await lead(host, TEAM, "ann@far.test")
    await lead(host, "crew@example.test", "bob@example.test", "ann@far.test")
    wire = await greeted(host)
    await wire.ask("MAIL FROM:<x@honest.test>", "250 ")
    await wire.ask(f"RCPT TO:<{TEAM}>", "550 5.7.1 ")
    await wire.ask("RSET", "250 ")
    assert (await send(wire, "x@honest.test", MESSAGE, "crew@example.test")).startswith("250 ")
    assert await left(host) == []
    assert len(await host.inbox("bob@example.test")) == 1


@pytest.mark.parametrize("relay", [RelaySettings(run_queue=False, forwarding="plain")], ids=["plain"])
async def test_the_reverse_path_can_be_left(host: SmtpHost) -> None:
    await lead(host, TEAM, "ann@far.test")
    assert (await send(await greeted(host), "x@honest.test", MESSAGE, TEAM)).startswith("250 ")
    ((sender, _, octets),) = await left(host)
    assert sender == "x@honest.test"
    assert octets.startswith(b"Delivered-To: ")


# --- what comes back ------------------------------------------------------------------------------


async def rewritten(host: SmtpHost) -> str:
    """The reverse-path that forwarded mail left under."""
    await lead(host, TEAM, "ann@far.test")
    await send(await greeted(host), "x@honest.test", MESSAGE, TEAM)
    ((sender, _, _),) = await left(host)
    await host.store.queue.drop(QueueFilter())
    return sender


async def test_a_report_goes_back_to_who_sent_it(host: SmtpHost) -> None:
    address = await rewritten(host)
    wire = await greeted(host)
    report = b"From: <MAILER-DAEMON@far.test>\r\nSubject: failed\r\n\r\nno\r\n"
    assert (await send(wire, "", report, address.lower())).startswith("250 ")
    ((sender, recipient, octets),) = await left(host)
    assert (sender, recipient) == ("", "x@honest.test")
    assert b"Delivered-To" not in octets


async def test_nobody_else_sends_through_us(host: SmtpHost) -> None:
    """Neither with a reverse-path of their own nor with an address that they made."""
    address = await rewritten(host)
    wire = await greeted(host)
    await wire.ask("MAIL FROM:<spam@honest.test>", "250 ")
    await wire.ask(f"RCPT TO:<{address}>", "550 5.1.1 ")
    await wire.ask("RSET", "250 ")
    await wire.ask("MAIL FROM:<>", "250 ")
    forged = [
        address.replace("=x@", "=y@"),
        address.replace("honest.test", "victim.test"),
        "SRS0=a@example.test",
    ]
    for made in forged:
        await wire.ask(f"RCPT TO:<{made}>", "550 5.1.1 ")
    await wire.ask(f"RCPT TO:<{address.replace('@example.test', '@far.test')}>", "550 5.7.1 ")


@pytest.mark.parametrize(
    "relay", [RelaySettings(run_queue=False, srs_domain="bounces.test")], ids=["srs_domain"]
)
async def test_rewritten_addresses_can_have_a_domain_of_their_own(host: SmtpHost) -> None:
    address = await rewritten(host)
    assert address.endswith("@bounces.test")
    wire = await greeted(host)
    await wire.ask("MAIL FROM:<>", "250 ")
    await wire.ask(f"RCPT TO:<{address}>", "250 ")
    await wire.ask("RCPT TO:<postmaster@bounces.test>", "550 5.7.1 ")
