"""Sending as a user without SMTP: the questions that submission asks, before anything is kept."""

from __future__ import annotations

import pytest

from mailkeep.delivery.prepare import prepare_content
from mailkeep.delivery.submit import Submitter
from mailkeep.errors import RecipientRefused, RelayDenied, SenderRefused
from mailkeep.model.address import Address
from mailkeep.model.directory import DomainPolicy, User
from mailkeep.model.principal import Principal
from mailkeep.settings_relay import RelaySettings
from mailkeep.storage.interface import Store

DIRECT = RelaySettings(route="direct")
DEMO = Address.parse("demo@example.test")
FAR = Address.parse("a@far.test")


async def demo(store: Store) -> User:
    await store.directory.add_domain("example.test", DomainPolicy.REJECT_UNKNOWN)
    return await store.directory.add_user(DEMO)


def principal(user: User) -> Principal:
    return Principal(user.id, user.account_id, str(DEMO), frozenset())


async def test_it_goes_here_there_and_into_sent(store: Store) -> None:
    user = await demo(store)
    message = await prepare_content(b"Subject: hi\r\n\r\nhello\r\n")
    done = await Submitter(store, DIRECT).submit(principal(user), message, DEMO, [DEMO, FAR])
    assert [(one.target.mailbox, str(one.target.address)) for one in done.delivered] == [
        ("INBOX", "demo@example.test"),
        ("Sent", "demo@example.test"),
    ]
    assert done.queued == (FAR,)
    (entry,) = await store.queue.entries()
    assert (entry.message_id, entry.sender, entry.user_id) == (done.id, "demo@example.test", user.id)


@pytest.mark.parametrize(
    ("settings", "sender", "recipient", "error"),
    [
        (DIRECT, "eve@example.test", "demo@example.test", SenderRefused),
        (DIRECT, "demo@example.test", "nobody@example.test", RecipientRefused),
        (RelaySettings(route="off"), "demo@example.test", "a@far.test", RelayDenied),
    ],
)
async def test_a_refusal_leaves_nothing(
    store: Store, settings: RelaySettings, sender: str, recipient: str, error: type[Exception]
) -> None:
    user = await demo(store)
    message = await prepare_content(b"Subject: hi\r\n\r\nhello\r\n")
    with pytest.raises(error):
        await Submitter(store, settings).submit(
            principal(user), message, Address.parse(sender), [DEMO, Address.parse(recipient)]
        )
    assert all(box.messages == 0 for box in await store.mailboxes.list(user.account_id))
    assert not await store.queue.entries()
