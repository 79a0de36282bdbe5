"""Filters, threads and counts over an account's mail, the same on both databases."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from tests.storage.making import append, at, deliver, inbox_of, new_user, prepared

from mailkeep.model.flags import NO_FLAGS, FlagAction, Flags
from mailkeep.model.mailbox import SpecialUse
from mailkeep.model.message import NewMessage, PreparedMessage
from mailkeep.model.order import Order
from mailkeep.model.uids import UidSet
from mailkeep.storage.interface import EmailFilter, Store

SEEN = Flags.parse(["\\Seen"])


def message(subject: str, **facts: Any) -> PreparedMessage:
    """A message whose summary says just this."""
    made = prepared(subject=subject)
    known: dict[str, Any] = {"attachment_count": 0, "references": (), **facts}
    return replace(made, summary=replace(made.summary, **known))


async def keep(
    store: Store, account_id: int, mailbox: str, minute: int, made: PreparedMessage, flags: Flags = NO_FLAGS
) -> None:
    box = await store.mailboxes.get(account_id, mailbox)
    await store.committer.append(box.id, [NewMessage(made, at(minute), flags)])


async def subjects(store: Store, account_id: int, which: EmailFilter) -> list[str]:
    rows = await store.emails.find(account_id, which, 0, 100)
    assert (await store.emails.count(account_id, which)) == (len(rows), sum(row.size for row in rows))
    return [row.subject for row in rows]


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        (EmailFilter(), ["d", "c", "b", "a"]),
        (EmailFilter(since=at(2)), ["d", "c", "b"]),
        (EmailFilter(until=at(2)), ["b", "a"]),
        (EmailFilter(since=at(2), until=at(2)), ["b"]),
        (EmailFilter(is_read=True), ["c"]),
        (EmailFilter(is_read=False), ["d", "b", "a"]),
        (EmailFilter(has_attachments=True), ["d", "a"]),
        (EmailFilter(has_attachments=False), ["c", "b"]),
        (EmailFilter(from_addresses=("x@y.test",)), ["b"]),
        (EmailFilter(from_addresses=()), []),
        (EmailFilter(since=at(2), has_attachments=True, is_read=False), ["d"]),
        (EmailFilter(special_use=SpecialUse.SENT), ["sent"]),
    ],
)
async def test_each_condition_and_all_together(store: Store, which: EmailFilter, expected: list[str]) -> None:
    account_id = (await new_user(store)).account_id
    await keep(store, account_id, "INBOX", 1, message("a", attachment_count=2))
    await keep(store, account_id, "Archive", 2, message("b", from_address="x@y.test"))
    await keep(store, account_id, "INBOX", 3, message("c"), SEEN)
    await keep(store, account_id, "INBOX", 4, message("d", attachment_count=1))
    await keep(store, account_id, "Sent", 5, message("sent"))
    await keep(store, account_id, "Junk", 6, message("junk", attachment_count=1))
    assert await subjects(store, account_id, which) == expected


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (Order.NEWEST, ["éa", "B", "a", "b", "C"]),
        (Order.OLDEST, ["C", "b", "a", "B", "éa"]),
        (Order.SUBJECT, ["a", "B", "b", "C", "éa"]),  # of equal ones the newer first
        (Order.SUBJECT_BACKWARDS, ["éa", "C", "B", "b", "a"]),
        (Order.SENDER, ["a", "b", "C", "B", "éa"]),
        (Order.SENDER_BACKWARDS, ["éa", "B", "C", "a", "b"]),
    ],
)
async def test_an_order_is_the_same_on_both_databases_in_pages_too(
    store: Store, order: Order, expected: list[str]
) -> None:
    account_id = (await new_user(store)).account_id
    sent_by = {
        "C": ("", "m@x.test"),
        "b": ("alice", ""),
        "a": ("Alice", ""),
        "B": ("Zoe", ""),
        "éa": ("Zoé", ""),
    }
    for minute, (subject, (name, address)) in enumerate(sent_by.items()):
        made = message(subject, from_name=name, from_address=address)
        await keep(store, account_id, "INBOX" if minute % 2 else "Archive", minute, made)
    find = partial(store.emails.find, account_id, EmailFilter(), order=order)
    pages = [await find(0, 2), await find(2, 2), await find(4, 2)]
    assert [row.subject for rows in pages for row in rows] == expected


async def test_pages_that_follow_a_row_join_while_new_mail_comes(store: Store) -> None:
    user = await new_user(store)
    inbox = await inbox_of(store, user)
    await append(store, inbox, 5)
    await append(store, inbox, 5)  # the same moments again
    seen, after = [], None
    while rows := await store.emails.find(user.account_id, EmailFilter(), 0, 3, after):
        seen += [row.uid for row in rows]
        after = rows[-1]
        await keep(store, user.account_id, "INBOX", 1000, message("new"))
    assert sorted(seen) == list(range(1, 11))


async def test_anothers_mail_is_in_no_result(store: Store) -> None:
    alice, bob = await new_user(store, "alice"), await new_user(store, "bob")
    (delivered,) = await deliver(store, "bob")
    assert await subjects(store, alice.account_id, EmailFilter()) == []
    assert await store.emails.entries(alice.account_id, [delivered.email_id]) == []
    assert await store.emails.thread(alice.account_id, delivered.email_id, 10) == []
    assert len(await store.emails.thread(bob.account_id, delivered.email_id, 10)) == 1


async def test_entries_are_all_copies_of_the_own_account(store: Store) -> None:
    alice = await new_user(store, "alice")
    await new_user(store, "bob")
    mine, _ = await deliver(store, "alice", "bob")
    archive = await store.mailboxes.get(alice.account_id, "Archive")
    await store.committer.copy(mine.mailbox_id, UidSet.of([mine.uid]), archive.id)
    rows = await store.emails.entries(alice.account_id, [mine.email_id, uuid4(), mine.email_id])
    assert sorted((row.mailbox, row.uid) for row in rows) == [("Archive", 1), ("INBOX", 1)]


async def test_a_thread_is_what_references_join(store: Store) -> None:
    account_id = (await new_user(store)).account_id
    gone = "never-came@t"
    made = [
        ("INBOX", message("first", message_id="1@t", references=(gone,))),
        ("Sent", message("answer", message_id="2@t", references=("1@t",))),
        ("INBOX", message("late", message_id="3@t", references=("2@t",))),
        ("Archive", message("sibling", message_id="", references=("x@t", gone))),
        ("Trash", message("thrown away", message_id="4@t", references=("1@t",))),
        ("INBOX", message("part of a name", message_id="1@t.other", references=("11@t", "1@t2"))),
        ("INBOX", message("nameless", message_id="", references=())),
    ]
    for minute, (mailbox, each) in enumerate(made):
        await keep(store, account_id, mailbox, minute, each)
    rows = await store.emails.find(account_id, EmailFilter(), 0, 100)
    by_subject = {row.subject: row.email_id for row in rows}
    for start in ("first", "late", "sibling"):
        thread = await store.emails.thread(account_id, by_subject[start], 100)
        assert [row.subject for row in thread] == ["first", "answer", "late", "sibling"]
    newest = await store.emails.thread(account_id, by_subject["first"], 2)
    assert [row.subject for row in newest] == ["late", "sibling"]
    alone = await store.emails.thread(account_id, by_subject["nameless"], 100)
    assert [row.subject for row in alone] == ["nameless"]


async def test_a_thread_has_an_id_of_its_own_that_its_messages_share(store: Store) -> None:
    account_id, other = [(await new_user(store, name)).account_id for name in ("alice", "bob")]
    for minute, (name, references) in enumerate([("1@t", ()), ("2@t", ("1@t",)), ("3@t", ("1@t", "2@t"))]):
        await keep(store, account_id, "INBOX", minute, message("s", message_id=name, references=references))
    await keep(store, account_id, "INBOX", 9, message("alone", message_id="", references=()))
    alone, *rows = await store.emails.find(account_id, EmailFilter(), 0, 100)
    (thread_id,) = {row.thread_id for row in rows}
    assert alone.thread_id == alone.email_id
    found = await store.emails.thread(account_id, thread_id, 100)
    assert [row.header_message_id for row in found] == ["1@t", "2@t", "3@t"]
    assert {row.thread_id for row in found} == {thread_id}
    assert await store.emails.thread(other, thread_id, 100) == []


async def test_a_message_in_two_mailboxes_is_once_in_its_thread(store: Store) -> None:
    user = await new_user(store)
    (delivered,) = await deliver(store, "alice")
    archive = await store.mailboxes.get(user.account_id, "Archive")
    await store.committer.copy(delivered.mailbox_id, UidSet.of([1]), archive.id)
    assert len(await store.emails.thread(user.account_id, delivered.email_id, 10)) == 1


async def test_senders_are_sorted_and_unique(store: Store) -> None:
    account_id = (await new_user(store)).account_id
    assert await store.emails.senders(account_id, SpecialUse.SENT) == []
    for minute, sender in enumerate(("b@t", "a@t", "b@t", "")):
        await keep(store, account_id, "Sent", minute, message("s", from_address=sender))
    await keep(store, account_id, "INBOX", 9, message("s", from_address="c@t"))
    assert await store.emails.senders(account_id, SpecialUse.SENT) == ["a@t", "b@t"]


async def test_unread_counts_each_users_account(store: Store) -> None:
    alice, bob = await new_user(store, "alice"), await new_user(store, "bob")
    inbox = await inbox_of(store, alice)
    await append(store, inbox, 3)
    await store.committer.store_flags(inbox, UidSet.of([2]), FlagAction.ADD, SEEN)
    assert await store.emails.unread([alice.id, bob.id, uuid4(), alice.id]) == {alice.id: 2, bob.id: 0}
    assert await store.emails.unread([]) == {}
