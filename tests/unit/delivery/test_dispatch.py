"""Where an accepted message goes: one commit for all recipients, each once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from mailkeep.delivery.dispatch import Addressee, Dispatch, Mail, return_path_size
from mailkeep.delivery.prepare import prepare_content
from mailkeep.model.address import Address
from mailkeep.model.directory import RecipientKind, User
from mailkeep.model.principal import Principal
from mailkeep.model.queue import DsnRequest, Envelope
from mailkeep.settings_relay import RelaySettings
from mailkeep.storage.interface import Store

OCTETS = b"Return-Path: <demo@example.test>\r\nSubject: hi\r\n\r\nhello\r\n"
DEMO = Address.parse("demo@example.test")


async def demo(store: Store) -> User:
    await store.directory.add_domain("example.test")
    return await store.directory.add_user(DEMO)


async def mail(addressees: Sequence[Addressee], author: User | None = None, **more: object) -> Mail:
    principal = author and Principal(author.id, author.account_id, str(DEMO), frozenset())
    message = await prepare_content(OCTETS)
    return Mail(
        "m1",
        message,
        Envelope(DEMO),
        tuple(addressees),
        datetime.now(UTC),
        principal,
        **more,  # type: ignore[arg-type]
    )


def here(*names: str) -> list[Addressee]:
    return [Addressee(Address.parse(name)) for name in names]


async def test_each_recipient_once_claimed_or_not(store: Store) -> None:
    user = await demo(store)
    names = ("demo@example.test", "new@example.test", "DEMO@example.test", "new@example.test")
    delivered = await Dispatch(store, RelaySettings()).accept(await mail(here(*names)))
    assert {str(one.target.address.key) for one in delivered} == {"demo@example.test", "new@example.test"}
    assert [one.user_id for one in delivered if one.account_id == user.account_id] == [user.id]
    for one in delivered:
        [inbox, *_] = await store.mailboxes.list(one.account_id)
        assert (inbox.messages, inbox.unseen) == (1, 1)
    answer = await store.directory.recipient(Address.parse("new@example.test"))
    assert answer.kind is RecipientKind.UNCLAIMED


async def test_those_elsewhere_wait_in_the_queue_without_the_return_path(store: Store) -> None:
    user = await demo(store)
    request = DsnRequest("NEVER", "rfc822;x")
    far = [
        Addressee(Address.parse(name), False, request) for name in ("a@far.test", "A@far.test", "b@x.test")
    ]
    delivered = await Dispatch(store, RelaySettings()).accept(
        await mail([*far, *here("demo@example.test")], user)
    )
    assert len(delivered) == 1
    claimed = await store.queue.claim("lease", 10, 60)
    assert [(str(one.recipient), one.request) for one in claimed] == [
        ("A@far.test", request),
        ("b@x.test", request),
    ]
    assert claimed[0].expires_at - claimed[0].created_at == timedelta(days=5)
    message, body = await store.queue.message("m1")
    assert await body.read() == b"Subject: hi\r\n\r\nhello\r\n"
    assert message.user_id == user.id
    assert message.envelope.sender == DEMO


async def test_what_is_for_elsewhere_alone_takes_no_row_here(store: Store) -> None:
    user = await demo(store)
    addressees = [Addressee(Address.parse("a@far.test"), False)]
    assert await Dispatch(store, RelaySettings()).accept(await mail(addressees, user)) == ()
    assert all(box.messages == 0 for box in await store.mailboxes.list(user.account_id))


async def test_a_copy_for_the_author_is_read_already_and_no_news(store: Store) -> None:
    user = await demo(store)
    addressees = [Addressee(Address.parse("a@far.test"), False), *here("demo@example.test")]
    await Dispatch(store, RelaySettings()).accept(await mail(addressees, user, saves_sent=True))
    found = {box.name: (box.messages, box.unseen) for box in await store.mailboxes.list(user.account_id)}
    assert (found["INBOX"], found["Sent"]) == ((1, 1), (1, 0))
    assert len(await store.outbox.claim(10, 60)) == 1


async def test_nothing_leaves_before_its_time(store: Store) -> None:
    user = await demo(store)
    later = datetime.now(UTC) + timedelta(hours=1)
    far = [Addressee(Address.parse("a@far.test"), False)]
    await Dispatch(store, RelaySettings()).accept(await mail(far, user, not_before=later))
    assert not await store.queue.claim("lease", 10, 60)
    (entry,) = await store.queue.entries()
    assert entry.next_attempt_at == later
    assert entry.expires_at == later + timedelta(days=5)


@pytest.mark.parametrize(
    ("header", "size"),
    [
        (b"Return-Path: <>\r\nA: b\r\n\r\n", 17),
        (b"RETURN-path: <a@b>\r\n\tmore\r\n\r\n", 27),
        (b"Received: x\r\n\r\n", 0),
        (b"", 0),
        (b"Return-Path: <>", 0),
    ],
)
def test_the_return_path_is_the_first_field_or_none(header: bytes, size: int) -> None:
    assert return_path_size(header) == size
