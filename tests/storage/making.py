"""Small messages and accounts for the store's tests. The rendered parts are any bytes: the store never
looks into them."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from mailkeep.model.address import Address
from mailkeep.model.directory import User
from mailkeep.model.flags import NO_FLAGS, Flags
from mailkeep.model.mailbox import INBOX
from mailkeep.model.message import (
    Delivered,
    Delivery,
    DeliveryTarget,
    MessageSummary,
    NewMessage,
    PreparedMessage,
    SpooledContent,
)
from mailkeep.storage.interface import Store

DOMAIN = "example.test"
START = datetime(2026, 1, 1, tzinfo=UTC)

_numbers = itertools.count(1)


def prepared(
    content: bytes | SpooledContent | None = None, *, subject: str = "", header: bytes | None = None
) -> PreparedMessage:
    """A message; unless given, its content is unlike that of any other."""
    number = next(_numbers)
    made = f"Message number {number}.\r\n".encode() if content is None else content
    octets = (
        header
        if header is not None
        else f"Subject: {subject or number}\r\n\r\n".encode("utf-8", "surrogateescape")
    )
    size = len(octets) + (made.size if isinstance(made, SpooledContent) else len(made))
    return PreparedMessage(
        header=octets,
        content=made,
        size=size,
        envelope=f'(NIL "{number}")'.encode(),
        body=b"(body %d)" % number,
        body_structure=b"(structure %d)" % number,
        parts=b"parts %d" % number,
        summary=MessageSummary(
            subject=subject or f"Subject {number}",
            base_subject=subject or f"subject {number}",
            from_address="sender@elsewhere.test",
            from_name="A Sender",
            message_id=f"{number}@elsewhere.test",
            references=("a@elsewhere.test", "b@elsewhere.test"),
            sent_at=START,
            attachment_count=number % 3,
            preview="The first words",
        ),
    )


def address(text: str) -> Address:
    """An address of the tests' domain, or a whole one."""
    return Address.parse(text if "@" in text else f"{text}@{DOMAIN}")


def at(minutes: int) -> datetime:
    """A moment."""
    return START + timedelta(minutes=minutes)


async def new_user(store: Store, name: str = "alice") -> User:
    """A user of the tests' domain, which is hosted from the first one on."""
    if await store.directory.domain(DOMAIN) is None:
        await store.directory.add_domain(DOMAIN)
    return await store.directory.add_user(address(name), name.title())


async def inbox_of(store: Store, user: User) -> int:
    """The id of a user's INBOX."""
    return (await store.mailboxes.get(user.account_id, INBOX)).id


async def new_inbox(store: Store, name: str = "alice") -> int:
    """The id of a new user's INBOX."""
    return await inbox_of(store, await new_user(store, name))


async def deliver(
    store: Store, *names: str, message: PreparedMessage | None = None, minutes: int = 0
) -> list[Delivered]:
    """Deliver one message to those addresses."""
    targets = tuple(DeliveryTarget(address(name)) for name in names)
    return list(await store.committer.deliver(Delivery(message or prepared(), targets, at(minutes))))


async def append(store: Store, mailbox_id: int, count: int = 1, flags: Flags = NO_FLAGS) -> list[int]:
    """Append so many messages; their UIDs."""
    messages = [NewMessage(prepared(), at(number), flags) for number in range(count)]
    return list((await store.committer.append(mailbox_id, messages)).uids)


async def octets_of(store: Store, mailbox_id: int, uid: int) -> bytes:
    """The whole message with that UID."""
    entry = (await store.messages.snapshot(mailbox_id)).entry(uid)
    assert entry is not None
    return await (await store.messages.body(entry.message_id)).read()
