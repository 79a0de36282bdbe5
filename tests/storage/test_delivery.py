"""Deliveries: one message, all its local recipients, one transaction."""

from __future__ import annotations

from tests.storage.making import DOMAIN, address, at, deliver, new_user, octets_of, prepared

from mailkeep.model.flags import Flags
from mailkeep.model.message import Delivery, DeliveryTarget
from mailkeep.storage.interface import Column, Store


async def test_a_message_for_claimed_and_unclaimed_recipients(store: Store) -> None:
    user = await new_user(store, "alice")
    message = prepared(b"hello\r\n")
    claimed, unclaimed = await deliver(store, "alice", "stranger", message=message)
    assert (claimed.account_id, claimed.user_id, claimed.uid) == (user.account_id, user.id, 1)
    assert unclaimed.user_id is None
    assert unclaimed.account_id != user.account_id
    assert claimed.email_id == unclaimed.email_id
    for delivered in (claimed, unclaimed):
        assert await octets_of(store, delivered.mailbox_id, 1) == message.header + b"hello\r\n"


async def test_uids_and_modseqs_of_one_mailbox_grow(store: Store) -> None:
    await new_user(store)
    delivered = [(await deliver(store, "alice"))[0] for _ in range(5)]
    assert [one.uid for one in delivered] == [1, 2, 3, 4, 5]
    snapshot = await store.messages.snapshot(delivered[0].mailbox_id)
    assert list(snapshot.modseqs) == [2, 3, 4, 5, 6]
    assert len(set(snapshot.message_ids)) == 5


async def test_recipients_of_one_account_share_an_entry(store: Store) -> None:
    user = await new_user(store)
    await store.directory.add_address(user.id, address("second"))
    one, other = await deliver(store, "alice", "second")
    assert (one.mailbox_id, one.uid) == (other.mailbox_id, other.uid)
    assert (await store.mailboxes.get(user.account_id, "INBOX")).messages == 1
    assert len(await store.outbox.claim(10, 10)) == 1


async def test_another_mailbox_and_flags(store: Store) -> None:
    user = await new_user(store)
    await store.mailboxes.create(user.account_id, "lists/python")
    target = DeliveryTarget(address("alice"), "lists/python", Flags.parse(["\\Seen", "$Junk"]))
    (delivered,) = await store.committer.deliver(Delivery(prepared(), (target,), at(0)))
    box = await store.mailboxes.get(user.account_id, "lists/python")
    assert (delivered.mailbox_id, box.messages, box.unseen) == (box.id, 1, 0)
    entry = (await store.messages.snapshot(box.id)).entry(1)
    assert entry is not None
    assert entry.flags == target.flags
    assert entry.internal_date == int(at(0).timestamp())


async def test_mail_for_a_mailbox_that_is_gone_comes_into_the_inbox(store: Store) -> None:
    user = await new_user(store)
    target = DeliveryTarget(address("alice"), "gone")
    (delivered,) = await store.committer.deliver(Delivery(prepared(), (target,), at(0)))
    assert delivered.mailbox_id == (await store.mailboxes.get(user.account_id, "INBOX")).id


async def test_every_claimed_account_gets_a_notification(store: Store) -> None:
    alice, bob = await new_user(store, "alice"), await new_user(store, "bob")
    message = prepared(subject="News")
    delivered = await deliver(store, "alice", "bob", "stranger", message=message)
    (page,) = await store.outbox.claim(10, 10)
    assert {item.user_id for item in page.items} == {alice.id, bob.id}
    for item in page.items:
        assert item.email_id == delivered[0].email_id
        assert (item.subject, item.from_address) == ("News", "sender@elsewhere.test")
        assert item.has_attachments == (message.summary.attachment_count > 0)


async def test_equal_content_beneath_other_headers_is_stored_once(store: Store) -> None:
    await new_user(store)
    first, second = prepared(b"same content\r\n"), prepared(b"same content\r\n")
    assert first.header != second.header
    ids = []
    for message in (first, second):
        (delivered,) = await deliver(store, "alice", message=message)
        octets = await octets_of(store, delivered.mailbox_id, delivered.uid)
        assert octets == message.header + b"same content\r\n"
        ids.append(delivered.email_id)
    assert ids[0] != ids[1]


async def test_unfit_text_in_a_summary_loses_no_mail(store: Store) -> None:
    await new_user(store)
    (delivered,) = await deliver(store, "alice", message=prepared(subject="nul \x00 and \udcff here"))
    email = await store.emails.get(delivered.account_id, delivered.email_id)
    assert email.subject == "nul � and ? here"


async def test_what_was_prepared_is_what_is_read(store: Store) -> None:
    await new_user(store)
    message = prepared()
    (delivered,) = await deliver(store, "alice", message=message)
    snapshot = await store.messages.snapshot(delivered.mailbox_id)
    columns = list(Column)
    rows = [row async for batch in store.messages.rows(snapshot.message_ids, columns) for row in batch]
    assert rows == [
        (
            snapshot.message_ids[0],
            delivered.email_id,
            message.envelope,
            message.body,
            message.body_structure,
            message.parts,
            message.header,
            message.summary,
        )
    ]


async def test_an_unclaimed_address_gets_one_account_with_all_default_mailboxes(store: Store) -> None:
    await store.directory.add_domain(DOMAIN)
    one, other = (await deliver(store, "who"))[0], (await deliver(store, "WHO"))[0]
    assert one.account_id == other.account_id
    names = [mailbox.name for mailbox in await store.mailboxes.list(one.account_id)]
    assert names == ["INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash"]
