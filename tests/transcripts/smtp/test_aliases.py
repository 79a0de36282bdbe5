"""Mail for a list goes to its members, once each, in one commit."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.smtp_host import SmtpHost, Wire

from mailkeep.model.address import Address

MESSAGE = "Subject: x\r\n\r\nhi\r\n."


@pytest.fixture
def limits() -> dict[str, Any]:
    return {"max_recipients": 4}


async def team(host: SmtpHost, *names: str) -> None:
    targets = [Address.parse(f"{name}@example.test") for name in names]
    await host.store.aliases.add(Address.parse("team@example.test"), targets)


async def test_each_member_gets_it_once(host: SmtpHost, mx: Wire) -> None:
    await team(host, "ann", "bob")
    await mx.expect("220 ")
    await mx.ehlo()
    await mx.transaction("x@b.test", "team@example.test", "ann@example.test")
    await mx.ask(MESSAGE, "250 2.0.0 ")
    for name in ("ann", "bob"):
        assert len(await host.inbox(f"{name}@example.test")) == 1
    assert await host.account_of("team@example.test") is None


async def test_the_list_is_named_and_its_members_are_not(host: SmtpHost, mx: Wire) -> None:
    await team(host, "ann", "bob")
    await mx.expect("220 ")
    await mx.ehlo()
    await mx.transaction("x@b.test", "team@example.test")
    await mx.ask(MESSAGE, "250 2.0.0 ")
    (kept,) = await host.inbox("ann@example.test")
    assert b"for <team@example.test>" in kept
    assert b"bob" not in kept


async def test_members_count_as_recipients(host: SmtpHost, mx: Wire) -> None:
    await team(host, "ann", "bob", "cid")
    await mx.expect("220 ")
    await mx.ehlo()
    await mx.ask("MAIL FROM:<>", "250 ")
    await mx.ask("RCPT TO:<one@example.test>", "250 ")
    await mx.ask("RCPT TO:<two@example.test>", "250 ")
    await mx.ask("RCPT TO:<team@example.test>", "452 4.5.3 ")
    await mx.ask("DATA", "354 ")
    await mx.ask(MESSAGE, "250 ")
