"""Keys that may send as all of a domain, and how much one key may send in a minute."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.smtp_host import TestUser, smtp_host

from mailkeep.auth import KeyService
from mailkeep.model.address import Address
from mailkeep.model.directory import User
from mailkeep.model.scope import Scope
from mailkeep.net.development import DevelopmentCa
from mailkeep.settings import AuthSettings
from mailkeep.settings_reception import ReceptionSettings
from mailkeep.settings_submission import parse_send_as
from mailkeep.storage.interface import Store

MESSAGE = b"From: Shop <orders@example.test>\r\nSubject: hi\r\n\r\nhi\r\n.\r\n"
ID = "0b4bdc1e-4b06-4f6b-9d4b-3d7a4f8f0a11"


async def key_of(store: Store, user: User) -> TestUser:
    """One more key."""
    made = await KeyService(store, AuthSettings(bcrypt_cost=4)).create(user.id, "k", frozenset({Scope.SMTP}))
    return TestUser(user.primary_address, user.id, user.account_id, made.id, made.api_key)


async def test_a_named_key_sends_as_the_domain(store: Store, tmp_path: Path, ca: DevelopmentCa) -> None:
    """And no other key, not even of the same user; nor in another domain."""
    await store.directory.add_domain("own.test")
    user = await store.directory.add_user(Address.parse("shop@own.test"))
    named, other = await key_of(store, user), await key_of(store, user)
    settings = (f"{named.key_id}=example.test",)
    async with smtp_host(store, tmp_path / "data", ca, send_as=settings) as host:
        wire = await host.logged_in(named)
        await wire.ask("MAIL FROM:<x@other.test>", "550 5.7.1 ")
        await wire.transaction("bounces@example.test", "friend@example.test")
        await wire.send(MESSAGE)
        await wire.expect("250 2.0.0 ")
        await wire.transaction("shop@own.test", "friend@example.test")
        await wire.send(MESSAGE.replace(b"orders@example", b"orders@other"))
        await wire.expect("550 5.7.1 ")
        assert len(await host.inbox("friend@example.test")) == 1
        wire = await host.logged_in(other)
        await wire.ask("MAIL FROM:<bounces@example.test>", "550 5.7.1 ")
        await wire.ask("MAIL FROM:<shop@own.test>", "250 ")


@pytest.mark.parametrize("text", ["x=example.org", ID, f"{ID}=", f"{ID}=-", ""])
def test_slips_are_told(text: str) -> None:
    with pytest.raises(ValueError, match="send_as"):
        parse_send_as((text,))


async def test_a_key_has_a_rate(store: Store, tmp_path: Path, ca: DevelopmentCa) -> None:
    """Another key of the same user has one of its own; trusted networks are not counted."""
    strangers = ReceptionSettings(trusted_networks=())
    async with smtp_host(store, tmp_path / "data", ca, reception=strangers, recipients_per_key=2) as host:
        user = await store.directory.add_user(Address.parse("shop@example.test"))
        wire = await host.logged_in(await key_of(store, user))
        await wire.ask("MAIL FROM:<shop@example.test>", "250 ")
        for reply in ("250 ", "250 ", "450 4.7.1 ", "450 4.7.1 "):
            await wire.ask("RCPT TO:<friend@example.test>", reply)
        wire = await host.logged_in(await key_of(store, user))
        await wire.ask("MAIL FROM:<shop@example.test>", "250 ")
        await wire.ask("RCPT TO:<friend@example.test>", "250 ")
