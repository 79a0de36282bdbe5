"""The committer: groups, refusals and faults of neighbours, cancelled callers, bounds, closing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.conftest import open_test_store
from tests.storage.making import address, append, at, deliver, inbox_of, new_inbox, new_user, prepared

from mailkeep.errors import InvalidName, MailboxNotFound, StoreUnavailable
from mailkeep.model.flags import KEYWORDS_PER_MESSAGE, FlagAction, Flags
from mailkeep.model.message import Delivery, DeliveryTarget, NewMessage
from mailkeep.model.uids import UidSet
from mailkeep.settings import StoreSettings
from mailkeep.storage.interface import Store

GATE_SECONDS = 5.0


class Commits:
    """Counts a store's transactions; can hold the next ones back."""

    def __init__(self, store: Store) -> None:
        self._database: Any = store._backend.database  # type: ignore[attr-defined]
        self._write = self._database.write
        self._database.write = self._counted
        self._write_foreseen = self._database.write_foreseen
        self._database.write_foreseen = self._counted_foreseen
        self.count = 0
        self.gate = asyncio.Event()
        self.gate.set()
        asyncio.get_running_loop().call_later(GATE_SECONDS, self.gate.set)  # a failing test ends all the same

    async def _counted(self, work: Callable[[Any], Awaitable[Any]]) -> Any:
        self.count += 1
        await self.gate.wait()
        return await self._write(work)

    async def _counted_foreseen(self, condition: Any, unit: Any) -> None:
        await self.gate.wait()
        await self._write_foreseen(condition, unit)
        self.count += 1


async def test_writes_that_wait_together_share_a_transaction(store: Store) -> None:
    await new_user(store)
    commits = Commits(store)
    commits.gate.clear()
    tasks = [asyncio.create_task(deliver(store, "alice")) for _ in range(50)]
    await asyncio.sleep(0.05)
    commits.gate.set()
    delivered = [one for (one,) in await asyncio.gather(*tasks)]
    assert sorted(one.uid for one in delivered) == list(range(1, 51))
    assert commits.count <= 2  # at most the first alone, and all others behind it


async def test_refused_neighbours_take_nobody_along(store: Store) -> None:
    inbox = await new_inbox(store)
    await append(store, inbox, 2, Flags.parse([f"k{number}" for number in range(KEYWORDS_PER_MESSAGE)]))
    commits = Commits(store)
    commits.gate.clear()
    writes: list[Awaitable[Any]] = [
        deliver(store, "alice"),
        append(store, inbox + 1000),
        store.committer.store_flags(inbox, UidSet.of([1]), FlagAction.ADD, Flags.parse(["more"])),
        deliver(store, "stranger"),
        store.committer.move(inbox, UidSet.of([2]), inbox + 1000),
        append(store, inbox),
        store.committer.expunge(inbox, UidSet.of([1]), only_deleted=False),
    ]
    tasks = [asyncio.ensure_future(write) for write in writes]
    await asyncio.sleep(0.05)
    commits.gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in (results[1], results[2], results[4])] == [
        MailboxNotFound,
        InvalidName,
        MailboxNotFound,
    ]
    assert commits.count <= 3
    assert list((await store.messages.snapshot(inbox)).uids) == [2, 3, 4]


async def test_a_neighbour_that_the_database_rejects_takes_nobody_along(store: Store) -> None:
    user = await new_user(store)
    inbox = await inbox_of(store, user)
    commits = Commits(store)
    commits.gate.clear()
    bad = replace(prepared(), size=2**70)  # no column holds it
    good = [asyncio.ensure_future(deliver(store, "alice")) for _ in range(5)]
    failing = asyncio.ensure_future(deliver(store, "alice", message=bad))
    good += [asyncio.ensure_future(deliver(store, "alice")) for _ in range(5)]
    await asyncio.sleep(0.05)
    commits.gate.set()
    with pytest.raises(StoreUnavailable):
        await failing
    delivered = [one for (one,) in await asyncio.gather(*good)]
    assert sorted(one.uid for one in delivered) == list(range(1, 11))
    assert len(await store.messages.snapshot(inbox)) == 10


async def test_a_cancelled_caller_changes_nothing_for_the_others(store: Store) -> None:
    inbox = await new_inbox(store)
    commits = Commits(store)
    commits.gate.clear()
    tasks = [asyncio.create_task(append(store, inbox)) for _ in range(10)]
    await asyncio.sleep(0.05)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.sleep(0)
    commits.gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(result, asyncio.CancelledError) for result in results] == [True, False] * 5
    await append(store, inbox)  # after all that was queued
    assert len(await store.messages.snapshot(inbox)) == 11


async def test_reads_that_are_cancelled_leave_the_store_usable(store: Store) -> None:
    inbox = await new_inbox(store)
    await append(store, inbox, 20)
    for pause in range(30):
        task = asyncio.create_task(store.emails.page(1, 0, 20))
        await asyncio.sleep(pause / 10_000)
        task.cancel()
        await asyncio.wait([task])
    assert (await store.emails.page(1, 0, 20))[1] == 20


async def test_a_full_queue_makes_callers_wait(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailkeep.storage.committer.WAITING_OPERATIONS", 3)
    inbox = await new_inbox(store)
    commits = Commits(store)
    commits.gate.clear()
    tasks = [asyncio.create_task(append(store, inbox)) for _ in range(20)]
    await asyncio.sleep(0.05)
    queue: Any = store.committer._queue  # type: ignore[attr-defined]
    assert len(queue) == 3
    commits.gate.set()
    await asyncio.gather(*tasks)
    assert len(await store.messages.snapshot(inbox)) == 20


async def test_the_queue_is_bounded_in_octets_but_takes_one_that_is_larger(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailkeep.storage.committer.WAITING_OCTETS", 10_000)
    monkeypatch.setattr("mailkeep.storage.committer.BATCH_OCTETS", 10_000)
    inbox = await new_inbox(store)
    header = b"X: " + b"y" * 20_000 + b"\r\n\r\n"
    commits = Commits(store)
    tasks = [
        asyncio.create_task(store.committer.append(inbox, [NewMessage(prepared(header=header), at(0))]))
        for _ in range(5)
    ]
    await asyncio.gather(*tasks)
    assert commits.count == 5


async def test_closing_commits_what_waits_and_refuses_more(store_settings: StoreSettings) -> None:
    async with open_test_store(store_settings) as store:
        inbox = await new_inbox(store)
        commits = Commits(store)
        commits.gate.clear()
        tasks = [asyncio.create_task(append(store, inbox)) for _ in range(10)]
        await asyncio.sleep(0.05)
        closing = asyncio.create_task(store.close())
        await asyncio.sleep(0.05)
        with pytest.raises(StoreUnavailable):
            await append(store, inbox)
        commits.gate.set()
        await asyncio.gather(closing, *tasks)
    async with open_test_store(store_settings) as store:
        assert len(await store.messages.snapshot(inbox)) == 10


async def test_an_unforeseen_fault_is_logged_and_answered(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    inbox = await new_inbox(store)

    async def fail(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr("mailkeep.storage.operations.removal.remove", fail)
        with pytest.raises(StoreUnavailable):
            await store.committer.expunge(inbox, None, only_deleted=False)
    assert "ZeroDivisionError" in caplog.text
    assert await append(store, inbox) == [1]


async def test_many_are_delivered_in_one_commit_in_their_order(store: Store) -> None:
    targets = (DeliveryTarget(address("many@example.test")),)
    given = [Delivery(prepared(b"%d\r\n" % number), targets, at(number)) for number in range(5)]
    answers = await store.committer.deliver_all(given)
    assert [answer[0].uid for answer in answers] == [1, 2, 3, 4, 5]
    assert await store.committer.deliver_all([]) in ((), [])
