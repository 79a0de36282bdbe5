"""A batch of bodies that opened with a message of no octets failed, and RETR with it."""

from __future__ import annotations

from datetime import UTC, datetime

from mailkeep.mime.prepare import prepare
from mailkeep.model.address import Address
from mailkeep.model.mailbox import INBOX
from mailkeep.model.message import NewMessage
from mailkeep.storage.interface import Store


async def test_bodies_begin_with_an_empty_message(store: Store) -> None:
    await store.directory.add_domain("example.test")
    user = await store.directory.add_user(Address.parse("ann@example.test"))
    inbox = await store.mailboxes.get(user.account_id, INBOX)
    messages = [b"", b"Subject: one\r\n\r\n"]
    await store.committer.append(
        inbox.id, [NewMessage(prepare(octets), datetime.now(UTC)) for octets in messages]
    )
    snapshot = await store.messages.snapshot(inbox.id)
    read = [octets async for _, octets in store.messages.bodies(list(snapshot.message_ids))]
    assert read == messages
