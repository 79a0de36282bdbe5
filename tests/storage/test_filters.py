"""Filters: kept for their user, and asked by every delivery from others into an INBOX."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
from tests.storage.making import START, address, new_user
from tests.storage.making import deliver as deliver_made
from tests.storage.making import prepared as made

from mailkeep.errors import NotFound, OverQuota
from mailkeep.mime.prepare import prepare
from mailkeep.model.directory import User
from mailkeep.model.message import Delivered, Delivery, DeliveryTarget
from mailkeep.storage import filters
from mailkeep.storage.interface import Store


async def new_label(store: Store, user: User, keyword: str = "shop") -> object:
    return (await store.labels.add(user.id, keyword, "red", 0, keyword)).id


def mail(subject: str, body: str = "Hello.") -> bytes:
    return f"From: Shop <news@shop.test>\r\nSubject: {subject}\r\n\r\n{body}\r\n".encode()


async def deliver(store: Store, octets: bytes, *names: str, mailbox: str = "INBOX") -> list[Delivered]:
    targets = tuple(DeliveryTarget(address(name), mailbox, is_news=mailbox == "INBOX") for name in names)
    return list(await store.committer.deliver(Delivery(prepare(octets), targets, START)))


async def found(store: Store, user: User, mailbox: str = "INBOX") -> list[tuple[str, ...]]:
    """Flags of each message in a mailbox."""
    box = await store.mailboxes.get(user.account_id, mailbox)
    snapshot = await store.messages.snapshot(box.id)
    await store.messages.refresh(snapshot)
    return [snapshot.flags_at(place).names() for place in range(len(snapshot))]


async def test_filters_are_kept_and_listed_in_their_order(store: Store) -> None:
    user, other = await new_user(store), await new_user(store, "bob")
    label_id = await new_label(store, user)
    last = await store.filters.add(user.id, "last", {"priority": 200, "label_id": label_id, "subject": "x"})
    await store.filters.add(user.id, "b", {})
    first = await store.filters.add(user.id, "a", {"enabled": False})
    assert [one.name for one in await store.filters.list(user.id)] == ["a", "b", "last"]
    assert await store.filters.list(other.id) == []
    assert last.label is not None
    assert (last.label.name, last.label.color, last.label.keyword) == ("shop", "red", "shop")
    changed = await store.filters.change(
        user.id, last.id, {"subject": "", "has_attachments": True, "label_id": None}
    )
    assert (changed.subject, changed.has_attachments, changed.label) == ("", True, None)
    again = await store.filters.change(user.id, last.id, {"has_attachments": None})
    assert again.has_attachments is None
    await store.filters.remove(user.id, first.id)
    assert len(await store.filters.list(user.id)) == 2


async def test_what_is_anothers_is_not_there(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    user, other = await new_user(store), await new_user(store, "bob")
    theirs, label_id = await store.filters.add(other.id, "theirs", {}), await new_label(store, other)
    for refused in (
        store.filters.get(user.id, theirs.id),
        store.filters.change(user.id, theirs.id, {"name": "mine"}),
        store.filters.remove(user.id, theirs.id),
    ):
        with pytest.raises(NotFound):
            await refused
    for wanted in (label_id, uuid4()):
        with pytest.raises(NotFound):
            await store.filters.add(user.id, "mine", {"label_id": wanted})  # type: ignore[dict-item]
    monkeypatch.setattr(filters, "FILTERS_LIMIT", 0)
    with pytest.raises(OverQuota):
        await store.filters.add(user.id, "mine", {})


async def test_a_match_marks_labels_and_is_counted(store: Store) -> None:
    user = await new_user(store)
    label_id = await new_label(store, user)
    one = await store.filters.add(
        user.id, "orders", {"subject": "ORDER", "mark_read": True, "label_id": label_id}
    )
    await deliver(store, mail("Your order"), "alice")
    await deliver(store, mail("Something else"), "alice")
    assert await found(store, user) == [("\\Seen", "shop"), ()]
    counted = await store.filters.get(user.id, one.id)
    assert (counted.times_applied, counted.last_applied_at is not None) == (1, True)
    box = await store.mailboxes.get(user.account_id, "INBOX")
    assert (box.messages, box.unseen) == (2, 1)


async def test_what_is_discarded_lies_in_trash_and_is_no_news(store: Store) -> None:
    user = await new_user(store)
    await store.filters.add(user.id, "away", {"sender": "shop", "discard": True})
    (done,) = await deliver(store, mail("one"), "alice")
    trash = await store.mailboxes.get(user.account_id, "Trash")
    assert (done.mailbox_id, await found(store, user)) == (trash.id, [])
    assert await found(store, user, "Trash") == [()]
    assert await store.outbox.claim(10, 30.0) == []
    await store.mailboxes.delete(user.account_id, "Trash")
    await deliver(store, mail("two"), "alice")
    assert len(await found(store, user)) == 1


async def test_the_text_is_looked_at_only_if_a_filter_asks(store: Store) -> None:
    user = await new_user(store)
    await store.filters.add(user.id, "subject", {"subject": "none like it"})
    await deliver_made(store, "alice", message=made())  # its parts cannot be read
    await store.filters.add(user.id, "text", {"body": "GR\N{LATIN SMALL LETTER SHARP S}", "mark_read": True})
    body = "Content-Type: text/plain; charset=utf-8\r\n\r\n"
    await deliver(store, mail("a", "no").replace(b"\r\n\r\nno", b"\r\n" + body.encode() + b"no"), "alice")
    text = mail("b").replace(b"\r\n\r\nHello.", b"\r\n" + body.encode() + "Herzlich gr\u00dft".encode())
    await deliver(store, text, "alice")
    assert await found(store, user) == [(), (), ("\\Seen",)]


async def test_each_recipient_has_their_own_filters(store: Store) -> None:
    alice, bob = await new_user(store), await new_user(store, "bob")
    await store.filters.add(alice.id, "read", {"mark_read": True})
    await store.filters.add(bob.id, "away", {"discard": True})
    await deliver(store, mail("to all"), "alice", "bob", "nobody")
    assert (await found(store, alice), await found(store, bob)) == ([("\\Seen",)], [])
    assert len(await found(store, bob, "Trash")) == 1


async def test_what_is_off_or_gone_does_nothing(store: Store) -> None:
    user = await new_user(store)
    one = await store.filters.add(user.id, "read", {"mark_read": True})
    await store.filters.change(user.id, one.id, {"enabled": False})
    await deliver(store, mail("one"), "alice")
    await store.filters.change(user.id, one.id, {"enabled": True})
    await store.filters.remove(user.id, one.id)
    await deliver(store, mail("two"), "alice")
    assert await found(store, user) == [(), ()]


async def test_ones_own_copy_in_sent_is_not_filtered(store: Store) -> None:
    user = await new_user(store)
    await store.filters.add(user.id, "away", {"discard": True})
    await deliver(store, mail("sent"), "alice", mailbox="Sent")
    assert len(await found(store, user, "Sent")) == 1


async def test_many_deliveries_at_once_are_all_filtered(store: Store) -> None:
    user = await new_user(store)
    one = await store.filters.add(user.id, "away", {"body": "hello", "discard": True})
    await asyncio.gather(*(deliver(store, mail(f"n{number}"), "alice") for number in range(20)))
    assert (await found(store, user), len(await found(store, user, "Trash"))) == ([], 20)
    assert (await store.filters.get(user.id, one.id)).times_applied == 20


async def test_a_removed_label_is_assigned_no_more(store: Store) -> None:
    user = await new_user(store)
    label = await store.labels.add(user.id, "gone", "", 0, "gone")
    one = await store.filters.add(user.id, "label", {"label_id": label.id, "mark_read": True})
    await store.labels.remove(user.id, label.id)
    assert (await store.filters.get(user.id, one.id)).label is None
    await deliver(store, mail("one"), "alice")
    assert await found(store, user) == [("\\Seen",)]
