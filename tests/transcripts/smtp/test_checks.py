"""Mail from outside: what is noted above it, and what its recipients' domains make of it.

The test's client counts as a stranger, and the name server is the test's own.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.dns_zone import DnsZone
from tests.support.smtp_host import SmtpHost, Wire, smtp_host
from tests.unit.mailauth.sealing import sealed
from tests.unit.mailauth.signing import ed25519_record, rsa_record, rsa_signer

from mailkeep.mailauth.dkim import sign
from mailkeep.mailauth.dkim.sign import BODY_FORM
from mailkeep.mailauth.message import in_memory
from mailkeep.model.directory import DmarcPolicy
from mailkeep.model.mailbox import INBOX
from mailkeep.net.development import DevelopmentCa
from mailkeep.settings_dns import DnsSettings
from mailkeep.settings_reception import ReceptionSettings
from mailkeep.storage.interface import Store

ZONE = """
1.0.0.127.in-addr.arpa. PTR client.test.
client.test. A 127.0.0.1
honest.test. TXT "v=spf1 ip4:127.0.0.1 -all"
_dmarc.honest.test. TXT "v=DMARC1; p=reject"
strict.test. TXT "v=spf1 -all"
_dmarc.strict.test. TXT "v=DMARC1; p=reject"
wary.test. TXT "v=spf1 -all"
_dmarc.wary.test. TXT "v=DMARC1; p=quarantine"
null.test. MX 0 .
broken.test. MX 10 mx.broken.test.
rsa._domainkey.strict.test. TXT {rsa}
ed._domainkey.strict.test. TXT {ed}
rsa._domainkey.list.test. TXT {rsa}
1.0.0.127.bl.test. A 127.0.0.2
"""
SLOW_SECONDS = 0.5


def _strings(text: str) -> str:
    return " ".join(f'"{text[at : at + 200]}"' for at in range(0, len(text), 200))


@pytest.fixture(scope="module")
def zone() -> Iterator[DnsZone]:
    with DnsZone(ZONE.format(rsa=_strings(rsa_record()), ed=_strings(ed25519_record()))) as served:
        yield served


@pytest.fixture
def reception() -> dict[str, Any]:
    """ReceptionSettings; tests override some."""
    return {}


@pytest.fixture
async def host(
    store: Store, tmp_path: Path, ca: DevelopmentCa, zone: DnsZone, reception: dict[str, Any]
) -> AsyncIterator[SmtpHost]:
    async with smtp_host(
        store,
        tmp_path / "data",
        ca,
        dns=DnsSettings(nameservers=(zone.place,), timeout_seconds=SLOW_SECONDS, message_seconds=5.0),
        reception=ReceptionSettings(**{"trusted_networks": (), **reception}),
    ) as running:
        yield running


def message(author: str, *more: str, body: str = "Hello.") -> bytes:
    fields = (f"From: Somebody <{author}>", "To: ann@example.test", "Subject: Hello", *more)
    return "\r\n".join((*fields, "", body, "")).encode()


async def send(wire: Wire, sender: str, octets: bytes, *recipients: str) -> str:
    """The reply to the message."""
    await wire.expect("220 ")
    await wire.ehlo()
    await wire.transaction(sender, *(recipients or ("ann@example.test",)))
    await wire.send(octets + b".\r\n")
    return (await wire.reply())[-1]


def noted(octets: bytes) -> str:
    """The value of the only Authentication-Results field, in one line."""
    (found,) = re.findall(rb"^Authentication-Results:([^\r]*(?:\r\n[ \t][^\r]*)*)", octets, re.MULTILINE)
    return " ".join(found.decode().split())


async def junk(host: SmtpHost, address: str = "ann@example.test") -> list[bytes]:
    return await host.messages(address, "Junk")


async def test_what_was_found_is_noted(host: SmtpHost, mx: Wire) -> None:
    assert (await send(mx, "x@honest.test", message("x@honest.test"))).startswith("250 ")
    (kept,) = await host.inbox("ann@example.test")
    assert noted(kept) == (
        "mx.example.test; iprev=pass policy.iprev=127.0.0.1; spf=none smtp.helo=client.example; "
        "spf=pass smtp.mailfrom=x@honest.test; "
        "dkim=none; arc=none; dmarc=pass policy.published=reject header.from=honest.test"
    )


async def test_nothing_of_the_message_is_changed(host: SmtpHost, mx: Wire) -> None:
    octets = message("x@honest.test", "X-Odd:  kept \t as it is", body="a" * 900)
    await send(mx, "x@honest.test", octets)
    (kept,) = await host.inbox("ann@example.test")
    assert kept.endswith(octets)
    assert kept.startswith(b"Return-Path: <x@honest.test>\r\nReceived: from client.example")


async def test_a_signature_speaks_for_its_author(host: SmtpHost, mx: Wire) -> None:
    octets = message("x@strict.test")
    checked = in_memory(octets)
    body = (await checked.hash_bodies([BODY_FORM]))[BODY_FORM]
    field = sign(checked.fields, body, rsa_signer("strict.test"), 1_700_000_000)
    assert (await send(mx, "bounce@honest.test", field + octets)).startswith("250 ")
    (kept,) = await host.inbox("ann@example.test")
    assert "dkim=pass header.d=strict.test header.s=rsa header.a=rsa-sha256" in noted(kept)
    assert "dmarc=pass" in noted(kept)


async def test_a_message_past_memory_is_checked_where_it_lies(host: SmtpHost, mx: Wire) -> None:
    octets = message("x@strict.test", body="\r\n".join("x " * 300 for _ in range(3000)))
    checked = in_memory(octets)
    body = (await checked.hash_bodies([BODY_FORM]))[BODY_FORM]
    octets = sign(checked.fields, body, rsa_signer("strict.test"), 1_700_000_000) + octets
    assert (await send(mx, "bounce@honest.test", octets)).startswith("250 ")
    (kept,) = await host.inbox("ann@example.test")
    assert "dkim=pass" in noted(kept)
    assert kept.endswith(octets)


@pytest.mark.parametrize(
    ("policy", "author", "answer", "place"),
    [
        (DmarcPolicy.ACCEPT, "x@strict.test", "250 ", INBOX),
        (DmarcPolicy.JUNK, "x@strict.test", "250 ", "Junk"),
        (DmarcPolicy.JUNK, "x@wary.test", "250 ", "Junk"),
        (DmarcPolicy.REFUSE, "x@wary.test", "250 ", "Junk"),
        (DmarcPolicy.REFUSE, "x@strict.test", "550 5.7.26 ", ""),
        (DmarcPolicy.REFUSE, "x@honest.test", "250 ", INBOX),
    ],
)
async def test_each_domain_has_its_own_policy(
    host: SmtpHost, mx: Wire, policy: DmarcPolicy, author: str, answer: str, place: str
) -> None:
    await host.store.directory.set_reception("example.test", dmarc=policy)
    await host.add_user("ann@example.test")
    assert (await send(mx, "x@honest.test", message(author))).startswith(answer)
    assert len(await host.inbox("ann@example.test")) == (place == INBOX)
    assert len(await junk(host)) == (place == "Junk")


async def test_one_answer_for_all_recipients_refuses_only_what_all_refuse(host: SmtpHost, mx: Wire) -> None:
    await host.store.directory.set_reception("example.test", dmarc=DmarcPolicy.REFUSE)
    await host.store.directory.add_domain("lenient.test")
    await host.store.directory.set_reception("lenient.test", dmarc=DmarcPolicy.ACCEPT)
    both = ("ann@example.test", "bob@lenient.test")
    assert (await send(mx, "x@honest.test", message("x@strict.test"), *both)).startswith("250 ")
    assert await host.inbox("ann@example.test") == []
    assert len(await junk(host)) == 1
    assert len(await host.inbox("bob@lenient.test")) == 1


async def test_forged_results_of_ours_go_and_those_of_others_stay(host: SmtpHost, mx: Wire) -> None:
    octets = message(
        "x@strict.test",
        "Authentication-Results: mx.example.test; dmarc=pass",
        "Authentication-Results: (x) MX.EXAMPLE.TEST 1; spf=pass",
        "X-Other: Authentication-Results: mx.example.test",
    )
    await host.store.directory.set_reception("example.test", dmarc=DmarcPolicy.ACCEPT)
    await send(mx, "x@honest.test", octets)
    (kept,) = await host.inbox("ann@example.test")
    assert "dmarc=fail" in noted(kept)
    assert b"X-Other: Authentication-Results" in kept


@pytest.mark.parametrize("reception", [{"trusted_sealers": ("list.test",)}, {}])
async def test_a_trusted_sealer_outweighs_a_failure(
    host: SmtpHost, mx: Wire, reception: dict[str, Any]
) -> None:
    octets = sealed(message("x@strict.test"), "list.test", "dmarc=pass", "none")
    await send(mx, "x@honest.test", octets)
    trusted = bool(reception)
    assert len(await host.inbox("ann@example.test")) == trusted
    assert len(await junk(host)) != trusted


async def test_senders_that_cannot_be(host: SmtpHost, mx: Wire) -> None:
    await mx.expect("220 ")
    await mx.ehlo()
    await mx.play(
        """
        C: MAIL FROM:<x@null.test>
        S: 550 5.7.27 ...
        C: MAIL FROM:<x@nowhere.test>
        S: 550 5.1.8 ...
        C: MAIL FROM:<x@client.test>
        S: 250 2.1.0 ...
        C: RSET
        S: 250 2.0.0 ...
        C: MAIL FROM:<>
        S: 250 2.1.0 ...
        C: RSET
        S: 250 2.0.0 ...
        C: MAIL FROM:<x@[192.0.2.1]>
        S: 250 2.1.0 ...
        """
    )


@pytest.mark.parametrize("reception", [{"blocklists": ("bl.test",)}])
async def test_clients_on_a_block_list_reach_the_postmaster_alone(
    host: SmtpHost, mx: Wire, reception: dict[str, Any]
) -> None:
    await mx.expect("220 ")
    await mx.ehlo()
    await mx.play(
        """
        C: MAIL FROM:<x@honest.test>
        S: 250 2.1.0 ...
        C: RCPT TO:<ann@example.test>
        S: 550 5.7.1 Your address is listed by bl.test.
        C: RCPT TO:<postmaster@example.test>
        S: 250 2.1.5 ...
        C: RCPT TO:<x@elsewhere.test>
        S: 550 5.7.1 Relaying denied...
        """
    )


@pytest.mark.parametrize("reception", [{"greylist_seconds": 0.3}])
async def test_strangers_try_again(host: SmtpHost, mx: Wire, reception: dict[str, Any]) -> None:
    await host.store.directory.set_reception("example.test", greylists=True)
    await mx.expect("220 ")
    await mx.ehlo()
    await mx.ask("MAIL FROM:<x@honest.test>", "250 2.1.0 ")
    await mx.ask("RCPT TO:<ann@example.test>", "451 4.7.1 ")
    await mx.ask("RCPT TO:<postmaster@example.test>", "250 2.1.5 ")
    answer = "451 "
    while answer.startswith("451 "):
        await mx.send(b"RCPT TO:<ann@example.test>\r\n")
        answer = await mx.line()
    assert answer.startswith("250 2.1.5 ")
    await mx.ask("RCPT TO:<bob@example.test>", "451 4.7.1 ")


async def test_dns_that_is_dead_delays_and_refuses_nothing(host: SmtpHost, mx: Wire, zone: DnsZone) -> None:
    zone.all_silent = True
    try:
        assert (await send(mx, "x@dead.test", message("x@dead.test"))).startswith("250 ")
    finally:
        zone.all_silent = False
    (kept,) = await host.inbox("ann@example.test")
    for method in ("iprev", "spf", "dmarc"):
        assert f"{method}=temperror" in noted(kept)


@pytest.mark.parametrize("reception", [{"trusted_networks": ("127.0.0.0/8",)}])
async def test_trusted_networks_are_not_asked_about(
    host: SmtpHost, mx: Wire, zone: DnsZone, reception: dict[str, Any]
) -> None:
    zone.asked.clear()
    await send(mx, "x@null.test", message("x@strict.test"))
    (kept,) = await host.inbox("ann@example.test")
    assert b"Authentication-Results" not in kept
    assert not zone.asked
