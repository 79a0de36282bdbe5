"""A full mailbox is told at RCPT, for each recipient apart (RFC 5321 section 4.2.3, RFC 3463 section 3.3)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.conftest import open_test_store
from tests.support.smtp_host import SmtpHost, Wire, smtp_host

from mailkeep.net.development import DevelopmentCa
from mailkeep.settings import StoreSettings


async def test_a_full_mailbox_and_a_message_that_never_fits(host: SmtpHost, mx: Wire) -> None:
    alice = await host.add_user("alice@example.test")
    await host.add_user("bob@example.test")
    await host.store.quotas.set_limits(alice.user_id, 1000, 1)
    await mx.expect("220 ")
    await mx.ehlo()
    await mx.ask("MAIL FROM:<> SIZE=1001", "250 ")
    await mx.ask("RCPT TO:<alice@example.test>", "552 5.2.2 The mailbox holds at most 1000 octets.")
    await mx.ask("RCPT TO:<bob@example.test>", "250 ")
    await mx.ask("RSET", "250 ")

    await mx.transaction("", "alice@example.test")
    await mx.ask("A: b\r\n\r\nhi\r\n.", "250 2.0.0 ")
    await mx.ask("MAIL FROM:<>", "250 ")
    await mx.ask("RCPT TO:<alice@example.test>", "452 4.2.2 The mailbox is full: it holds 1 of 1 messages.")
    await mx.ask("RCPT TO:<alice+tag@example.test>", "452 4.2.2 ")
    await mx.ask("RCPT TO:<bob@example.test>", "250 ")
    await mx.ask("DATA", "354 ")
    await mx.ask("A: b\r\n\r\nhi\r\n.", "250 2.0.0 ")

    await host.store.quotas.set_limits(alice.user_id, 1000, 2)
    await mx.transaction("", "alice@example.test")
    await mx.ask("A: b\r\n\r\nhi\r\n.", "250 2.0.0 ")


async def test_an_unclaimed_address_has_limits_of_its_own(
    store_settings: StoreSettings, tmp_path: Path, ca: DevelopmentCa
) -> None:
    """Anybody may write there, and nobody reads."""
    settings = replace(store_settings, unclaimed_messages=1)
    async with open_test_store(settings) as store, smtp_host(store, tmp_path / "data", ca) as host:
        wire = await host.connect()
        await wire.expect("220 ")
        await wire.ehlo()
        await wire.transaction("", "nobody@example.test")
        await wire.ask("A: b\r\n\r\nhi\r\n.", "250 2.0.0 ")
        await wire.ask("MAIL FROM:<>", "250 ")
        await wire.ask("RCPT TO:<nobody@example.test>", "452 4.2.2 ")
        await wire.ask("RCPT TO:<postmaster>", "250 ")
        await wire.close()
