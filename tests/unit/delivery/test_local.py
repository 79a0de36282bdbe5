"""Local delivery: one commit for all recipients, each once."""

from __future__ import annotations

from datetime import UTC, datetime

from mailkeep.delivery.local import LocalDelivery
from mailkeep.delivery.prepare import prepare_content
from mailkeep.model.address import Address
from mailkeep.model.directory import RecipientKind
from mailkeep.storage.interface import Store


async def test_each_recipient_once_claimed_or_not(store: Store) -> None:
    await store.directory.add_domain("example.test")
    user = await store.directory.add_user(Address.parse("demo@example.test"))
    message = await prepare_content(b"Subject: hi\r\n\r\nhello\r\n")
    names = ("demo@example.test", "new@example.test", "DEMO@example.test", "new@example.test")
    recipients = [Address.parse(name) for name in names]
    delivered = await LocalDelivery(store).deliver(message, recipients, datetime.now(UTC))
    assert {str(one.target.address.key) for one in delivered} == {"demo@example.test", "new@example.test"}
    assert [one.user_id for one in delivered if one.account_id == user.account_id] == [user.id]
    for one in delivered:
        [inbox, *_] = await store.mailboxes.list(one.account_id)
        assert (inbox.messages, inbox.unseen) == (1, 1)
    answer = await store.directory.recipient(Address.parse("new@example.test"))
    assert answer.kind is RecipientKind.UNCLAIMED
