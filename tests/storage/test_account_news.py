"""What became of an account's messages, whoever changed them: marks, removals, moves, too much."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

import pytest
from tests.storage.making import append, deliver, inbox_of, new_user, prepared

from mailkeep.model.directory import User
from mailkeep.model.flags import FlagAction, Flags
from mailkeep.model.message import NewMessage
from mailkeep.model.uids import UidSet
from mailkeep.storage import account_news
from mailkeep.storage.interface import AccountNews, Marked, Store

SEEN, ANSWERED = Flags.parse(["\\Seen"]), Flags.parse(["\\Answered"])


class Came(NamedTuple):
    """A message that was just put into a mailbox."""

    uids: Sequence[int]
    subject: str
    has_files: bool


async def arrive(store: Store, mailbox_id: int) -> Came:
    message = prepared()
    new = NewMessage(message, datetime.now(UTC))
    done = await store.committer.append(mailbox_id, [new])
    return Came(done.uids, message.summary.subject, message.summary.attachment_count > 0)


async def three(store: Store) -> tuple[User, int, list[UUID], AccountNews]:
    """A user with three messages in INBOX, and where their news begin."""
    user = await new_user(store)
    inbox = await inbox_of(store, user)
    ids = [(await deliver(store, "alice", minutes=number))[0].email_id for number in range(3)]
    return user, inbox, ids, await store.emails.news(user.account_id)


async def test_nothing_is_news_at_first(store: Store) -> None:
    user, _, _, start = await three(store)
    assert (start.unread, start.updated, start.deleted, start.complete) == (3, (), (), True)
    again = await store.emails.news(user.account_id, start.heads)
    assert (list(again.updated), list(again.deleted), again.grown) == ([], [], False)
    assert again.heads == start.heads


async def test_marks_are_told_in_their_order_with_what_they_made(store: Store) -> None:
    user, inbox, ids, start = await three(store)
    await store.committer.store_flags(inbox, UidSet.of([1, 2]), FlagAction.ADD, SEEN)
    await store.committer.store_flags(inbox, UidSet.of([1]), FlagAction.REMOVE, SEEN)
    await store.committer.store_flags(inbox, UidSet.of([2]), FlagAction.ADD, ANSWERED)
    found = await store.emails.news(user.account_id, start.heads)
    assert list(found.updated) == [
        Marked(ids[0], True),
        Marked(ids[1], True),
        Marked(ids[0], False),
        Marked(ids[1], True),
    ]
    assert (found.unread, found.grown, found.complete) == (2, False, True)


async def test_what_is_expunged_is_deleted(store: Store) -> None:
    user, inbox, ids, start = await three(store)
    await store.committer.expunge(inbox, UidSet.of([2]), only_deleted=False)
    found = await store.emails.news(user.account_id, start.heads)
    assert (list(found.deleted), list(found.updated), found.unread) == ([ids[1]], [], 2)


async def test_trash_is_as_good_as_gone_and_the_way_back_is_an_update(store: Store) -> None:
    user, inbox, ids, start = await three(store)
    trash = (await store.mailboxes.get(user.account_id, "Trash")).id
    await store.committer.move(inbox, UidSet.of([1]), trash)
    away = await store.emails.news(user.account_id, start.heads)
    assert (list(away.deleted), list(away.updated)) == ([ids[0]], [])
    await store.committer.move(trash, UidSet.of([1]), inbox)
    back = await store.emails.news(user.account_id, away.heads)
    assert (list(back.deleted), list(back.updated)) == ([], [Marked(ids[0], False)])
    await store.committer.move(inbox, UidSet.of([2]), trash)
    await store.committer.expunge(trash, None, only_deleted=False)
    gone = await store.emails.news(user.account_id, back.heads)
    assert list(gone.deleted) == [ids[1]]


async def test_archiving_changes_no_list(store: Store) -> None:
    user, inbox, _, start = await three(store)
    archive = (await store.mailboxes.get(user.account_id, "Archive")).id
    await store.committer.move(inbox, UidSet.of([1]), archive)
    found = await store.emails.news(user.account_id, start.heads)
    assert (list(found.deleted), list(found.updated), found.complete) == ([], [], True)


async def test_new_mail_is_growth_and_of_another_account_nothing(store: Store) -> None:
    user, _, _, start = await three(store)
    await new_user(store, "bob")
    await deliver(store, "bob")
    assert await store.emails.news(user.account_id, start.heads) == AccountNews(
        start.heads, 3, [], [], arrived=[]
    )
    await deliver(store, "alice")
    found = await store.emails.news(user.account_id, start.heads)
    assert (found.grown, found.unread, list(found.updated), found.complete) == (True, 4, [], True)
    assert list(found.arrived) == []  # its date is of long ago


async def test_what_has_arrived_is_told_once_wherever_it_went_since(store: Store) -> None:
    user, inbox, _, start = await three(store)
    archive, trash = [(await store.mailboxes.get(user.account_id, name)).id for name in ("Archive", "Trash")]
    kept, archived, binned = [await arrive(store, inbox) for _ in range(3)]
    await store.committer.move(inbox, UidSet.of([archived.uids[0]]), archive)
    await store.committer.move(inbox, UidSet.of([binned.uids[0]]), trash)
    await store.committer.copy(inbox, UidSet.of([kept.uids[0]]), archive)
    found = await store.emails.news(user.account_id, start.heads)
    assert len(found.arrived) == 2
    assert {one.subject for one in found.arrived} == {kept.subject, archived.subject}
    assert len({one.email_id for one in found.arrived}) == 2
    await store.committer.copy(inbox, UidSet.of([kept.uids[0]]), archive)
    await store.committer.move(trash, UidSet.of([1]), inbox)
    later = await store.emails.news(user.account_id, found.heads)
    assert list(later.arrived) == []


async def test_what_comes_into_a_new_mailbox_has_arrived(store: Store) -> None:
    user, _, _, start = await three(store)
    made = await store.mailboxes.create(user.account_id, "lists")
    came = await arrive(store, made.id)
    (found,) = (await store.emails.news(user.account_id, start.heads)).arrived
    assert (found.subject, found.from_name, found.has_attachments) == (
        came.subject,
        "A Sender",
        came.has_files,
    )


async def test_a_mailbox_that_goes_or_comes(store: Store) -> None:
    user, _, _, start = await three(store)
    made = await store.mailboxes.create(user.account_id, "lists")
    found = await store.emails.news(user.account_id, start.heads)
    assert (made.id in found.heads, found.complete) == (True, True)
    await append(store, made.id)
    await store.mailboxes.delete(user.account_id, "lists")
    assert not (await store.emails.news(user.account_id, found.heads)).complete


async def test_too_much_to_tell_is_said_to_be_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    user, inbox, _, start = await three(store)
    monkeypatch.setattr(account_news, "TOLD_LIMIT", 2)
    await store.committer.store_flags(inbox, UidSet.of([1, 2, 3]), FlagAction.ADD, SEEN)
    found = await store.emails.news(user.account_id, start.heads)
    assert (found.complete, found.unread) == (False, 0)
