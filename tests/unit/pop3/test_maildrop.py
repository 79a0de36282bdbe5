"""The maildrop as it was at login: numbers, marks, the lock, and the one write."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from mailkeep.errors import InUse, NotFound
from mailkeep.mime.prepare import prepare
from mailkeep.model.address import Address
from mailkeep.model.mailbox import INBOX, Mailbox
from mailkeep.model.message import NewMessage
from mailkeep.storage.interface import Store
from mailkeep_pop3.maildrop import (
    LARGEST_KEPT,
    RECENT_MAILDROPS,
    RECENT_MESSAGES,
    Maildrop,
    RecentSnapshots,
)

SIZES = (10, 200, 3000)


@pytest.fixture
async def account_id(store: Store) -> int:
    """An account with three messages."""
    await store.directory.add_domain("example.test")
    user = await store.directory.add_user(Address.parse("ann@example.test"))
    inbox = await store.mailboxes.get(user.account_id, INBOX)
    now = datetime.now(UTC)
    await store.committer.append(
        inbox.id, [NewMessage(prepare(b"x" * (size - 2) + b"\r\n"), now) for size in SIZES]
    )
    return user.account_id


@pytest.fixture
async def maildrop(store: Store, account_id: int) -> AsyncIterator[Maildrop]:
    """Its maildrop, opened."""
    opened = await Maildrop.open(store, account_id, RecentSnapshots(), pytest.fail)
    yield opened
    await opened.close()


async def left(store: Store, account_id: int) -> int:
    return (await store.mailboxes.get(account_id, INBOX)).messages


async def test_numbers_and_sizes(maildrop: Maildrop) -> None:
    assert len(maildrop) == 3
    assert list(maildrop.numbers()) == [1, 2, 3]
    assert [maildrop.size(number) for number in maildrop.numbers()] == list(SIZES)
    assert maildrop.totals() == (3, sum(SIZES))


async def test_marks_hide_messages_and_move_no_numbers(maildrop: Maildrop) -> None:
    maildrop.mark(2)
    assert list(maildrop.numbers()) == [1, 3]
    assert maildrop.totals() == (2, SIZES[0] + SIZES[2])
    for number in (0, 2, 4, -1):
        assert not maildrop.has(number)
        with pytest.raises(NotFound):
            maildrop.mark(number)
    maildrop.unmark_all()
    assert maildrop.totals() == (3, sum(SIZES))


async def test_nothing_is_removed_before_the_commit(
    store: Store, account_id: int, maildrop: Maildrop
) -> None:
    maildrop.mark(1)
    maildrop.mark(3)
    assert await left(store, account_id) == 3
    await maildrop.commit()
    assert await left(store, account_id) == 1


async def test_a_commit_without_marks_writes_nothing(
    store: Store, account_id: int, maildrop: Maildrop
) -> None:
    before = await store.mailboxes.get(account_id, INBOX)
    await maildrop.commit()
    assert (await store.mailboxes.get(account_id, INBOX)).highestmodseq == before.highestmodseq


async def test_the_lock_is_exclusive_until_it_is_closed(
    store: Store, account_id: int, maildrop: Maildrop
) -> None:
    for _ in range(2):
        with pytest.raises(InUse):
            await Maildrop.open(store, account_id, RecentSnapshots(), pytest.fail)
    await maildrop.close()
    await maildrop.close()
    again = await Maildrop.open(store, account_id, RecentSnapshots(), pytest.fail)
    await again.close()


async def test_what_is_closed_weighs_nothing(maildrop: Maildrop) -> None:
    """Sessions that are over stay for a while: hundreds of them once held a large maildrop each."""
    assert len(maildrop) > 0
    await maildrop.close()
    assert (len(maildrop), maildrop.totals()) == (0, (0, 0))


async def test_recent_snapshots_are_few_and_small(store: Store, account_id: int) -> None:
    inbox = await store.mailboxes.get(account_id, INBOX)
    snapshot = await store.messages.snapshot(inbox.id)
    recent = RecentSnapshots()
    for mailbox_id in range(RECENT_MAILDROPS + 10):
        snapshot.mailbox_id = mailbox_id
        recent.keep(snapshot)
    assert len(recent) == RECENT_MAILDROPS
    snapshot.mailbox_id = RECENT_MAILDROPS
    snapshot.uids.extend(range(10, 11 + LARGEST_KEPT))
    recent.keep(snapshot)
    assert len(recent) == RECENT_MAILDROPS - 1, "one that has become too large is let go"


async def test_recent_snapshots_hold_so_many_messages_together(store: Store, account_id: int) -> None:
    snapshot = await store.messages.snapshot((await store.mailboxes.get(account_id, INBOX)).id)
    snapshot.uids.extend(range(10, 10 + LARGEST_KEPT - len(snapshot)))
    recent = RecentSnapshots()
    for mailbox_id in range(5):
        snapshot.mailbox_id = mailbox_id
        recent.keep(snapshot)
        recent.keep(snapshot)
    assert len(recent) == RECENT_MESSAGES // LARGEST_KEPT


async def test_which_mailbox_is_an_accounts_inbox_is_asked_once(
    store: Store, account_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    recent = RecentSnapshots()
    first = await recent.inbox_of(store, account_id)
    asked = []
    ask = store.mailboxes.get

    async def get(owner: int, name: str) -> Mailbox:
        asked.append(name)
        return await ask(owner, name)

    monkeypatch.setattr(store.mailboxes, "get", get)
    assert await recent.inbox_of(store, account_id) is first
    assert not asked
    recent._inboxes[account_id] = first.mailbox_id + 1000  # as if that one had gone with its account
    assert await recent.inbox_of(store, account_id) is first
    assert asked == ["INBOX"]
