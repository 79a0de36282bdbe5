"""Reading ahead: what is worth reading before it is asked for, and what it may cost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from mailkeep.errors import NotFound, StoreCorrupt
from mailkeep.mime.prepare import prepare
from mailkeep.model.address import Address
from mailkeep.model.mailbox import INBOX
from mailkeep.model.message import NewMessage
from mailkeep.net.tasks import TaskRegistry
from mailkeep.storage.interface import Body, Column, Messages, Store
from mailkeep_pop3.ahead import TOGETHER_MESSAGES, TOGETHER_OCTETS, WHOLE_LIMIT
from mailkeep_pop3.maildrop import Maildrop, RecentSnapshots
from mailkeep_pop3.retrieval import Retrieval


class Watched:
    """The store's own reader; remembers which messages were read together, and can find some corrupt."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages
        self.reads: list[int] = []
        self.corrupt: set[int] = set()

    async def body(self, message_id: int) -> Body:
        self._note([message_id])
        return await self._messages.body(message_id)

    async def body_batches(
        self, message_ids: Sequence[int], sizes: Sequence[int] | None = None
    ) -> AsyncGenerator[Sequence[tuple[int, bytes]], None]:
        self._note(message_ids)
        async for found in self._messages.body_batches(message_ids, sizes):
            yield found

    def rows(
        self, message_ids: Sequence[int], columns: Sequence[Column]
    ) -> AsyncIterator[Sequence[tuple[Any, ...]]]:
        return self._messages.rows(message_ids, columns)

    def _note(self, message_ids: Sequence[int]) -> None:
        self.reads.append(len(message_ids))
        if self.corrupt.intersection(message_ids):
            raise StoreCorrupt("not what was stored")


async def opened(store: Store, *messages: bytes) -> Maildrop:
    await store.directory.add_domain("example.test")
    user = await store.directory.add_user(Address.parse("ann@example.test"))
    inbox = await store.mailboxes.get(user.account_id, INBOX)
    now = datetime.now(UTC)
    await store.committer.append(inbox.id, [NewMessage(prepare(octets), now) for octets in messages])
    return await Maildrop.open(store, user.account_id, RecentSnapshots(), pytest.fail)


def numbered(count: int, size: int = 100) -> list[bytes]:
    return [b"Subject: %d\r\n\r\n%s\r\n" % (number, b"x" * size) for number in range(1, count + 1)]


def reader(store: Store, maildrop: Maildrop) -> tuple[Retrieval, Watched]:
    watched = Watched(store.messages)
    messages: Any = watched
    return Retrieval(messages, maildrop, TaskRegistry()), watched


async def get(retrieval: Retrieval, number: int, queued: Sequence[int] = ()) -> bytes:
    return retrieval.ready([number], 1)[0] or await retrieval.whole(number, queued)


async def test_a_client_that_goes_in_order_is_read_ahead_for(store: Store) -> None:
    messages = numbered(100)
    maildrop = await opened(store, *messages)
    retrieval, watched = reader(store, maildrop)
    for number, message in enumerate(messages, 1):
        assert (await get(retrieval, number)).endswith(message + b".\r\n")
    assert len(watched.reads) < 12
    assert max(watched.reads) <= TOGETHER_MESSAGES
    await maildrop.close()


async def test_one_that_jumps_about_is_not(store: Store) -> None:
    maildrop = await opened(store, *numbered(30))
    retrieval, watched = reader(store, maildrop)
    for number in (9, 3, 30, 1, 17):
        await get(retrieval, number)
    assert watched.reads == [1] * 5
    await maildrop.close()


async def test_what_is_queued_is_read_together(store: Store) -> None:
    maildrop = await opened(store, *numbered(10))
    retrieval, watched = reader(store, maildrop)
    maildrop.mark(4)
    await get(retrieval, 7, [2, 4, 99, 0, 5])
    assert watched.reads == [3]
    for number in (2, 5):
        assert retrieval.ready([number], 1)[1] == 1
    assert retrieval.ready([4], 1) == (b"", 0)
    await maildrop.close()


async def test_reading_ahead_stays_within_its_limits(store: Store) -> None:
    maildrop = await opened(store, *numbered(12, TOGETHER_OCTETS // 6), *numbered(1, WHOLE_LIMIT + 1))
    retrieval, watched = reader(store, maildrop)
    await get(retrieval, 1, range(2, 13))
    assert watched.reads == [5]
    await get(retrieval, 12, [13])
    assert watched.reads == [5, 1], "a large message is streamed, not read ahead"
    await maildrop.close()


async def test_a_neighbour_that_cannot_be_read_does_no_harm(store: Store) -> None:
    messages = numbered(5)
    maildrop = await opened(store, *messages)
    retrieval, watched = reader(store, maildrop)
    watched.corrupt = {maildrop.message_id(3)}
    assert (await get(retrieval, 2, [3, 4])).endswith(messages[1] + b".\r\n")
    with pytest.raises(StoreCorrupt):
        await get(retrieval, 3)
    assert (await get(retrieval, 4)).endswith(messages[3] + b".\r\n")
    await maildrop.close()


async def test_a_message_that_is_gone_is_not_found(store: Store) -> None:
    maildrop = await opened(store, *numbered(3))
    retrieval, _ = reader(store, maildrop)
    maildrop._message_ids[1] += 1000  # as if the row were gone
    with pytest.raises(NotFound):
        await get(retrieval, 2)
    with pytest.raises(NotFound):
        await get(retrieval, 2, [1, 3])
    with pytest.raises(NotFound):
        await anext(retrieval.top(2, 0))
    await maildrop.close()


async def test_the_next_ones_are_read_while_the_client_takes_these(store: Store) -> None:
    maildrop = await opened(store, *numbered(40))
    retrieval, watched = reader(store, maildrop)
    for number in range(1, 6):  # read are 1, 2 to 5, and from the third of these on the next ones
        await get(retrieval, number)
    assert watched.reads[:2] == [1, 4]
    async with asyncio.timeout(10):
        while not retrieval.has_ready:
            await asyncio.sleep(0.001)
    assert watched.reads == [1, 4, 8], "read before they were asked for"
    assert retrieval.ready([6], 1)[1] == 1
    await maildrop.close()


async def test_a_client_that_takes_nothing_more_has_nothing_more_read_for_it(store: Store) -> None:
    maildrop = await opened(store, *numbered(60, TOGETHER_OCTETS // 8))
    retrieval, watched = reader(store, maildrop)
    await get(retrieval, 1, range(2, 60))
    await asyncio.sleep(0.05)
    assert watched.reads == [7]
    await maildrop.close()


async def test_what_is_being_read_ends_with_the_session(store: Store) -> None:
    maildrop = await opened(store, *numbered(40))
    retrieval, _ = reader(store, maildrop)
    for number in range(1, 5):
        await get(retrieval, number)
    retrieval.close()
    await asyncio.sleep(0.05)
    assert not retrieval.has_ready
    await maildrop.close()


async def test_replies_to_a_run_of_commands_end_at_what_is_marked_or_enough(store: Store) -> None:
    messages = numbered(9)
    maildrop = await opened(store, *messages)
    retrieval, _ = reader(store, maildrop)
    await get(retrieval, 1, range(2, 10))
    maildrop.mark(4)
    expected = b"".join(b"+OK %d octets\r\n%s.\r\n" % (len(one), one) for one in messages[1:3])
    assert retrieval.ready([2, 3, 4, 5], 1 << 20) == (expected, 2)
    assert retrieval.ready([5, 6, 7], len(messages[4]) + 1)[1] == 2
    await maildrop.close()
