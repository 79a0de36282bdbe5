"""News of mail on PostgreSQL goes after its commit, and is found all the same by whom it never reaches."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from tests.conftest import open_test_store
from tests.storage.making import append, inbox_of, new_inbox, new_user

from mailkeep.settings import StoreSettings
from mailkeep.storage import feed_telling, open_store
from mailkeep.storage.feed_postgres import CHANNEL, PostgresCarrier
from mailkeep.storage.feed_silence import BUSY, DONE
from mailkeep.storage.feed_telling import Telling
from mailkeep.storage.interface import Store, Topic, TopicKind


def _carrier(store: Store) -> PostgresCarrier:
    carrier: PostgresCarrier = store._backend.database._carrier  # type: ignore[attr-defined]
    return carrier


def _telling(store: Store) -> Telling:
    return _carrier(store)._telling


@pytest.fixture
def _stays_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is."""
    monkeypatch.setattr(feed_telling, "LULL_SECONDS", 1000.0)
    monkeypatch.setattr(feed_telling, "FRESH_SECONDS", 1000.0)


class Heard:
    """Every payload on the channel, as any listener has it."""

    def __init__(self) -> None:
        self.payloads: list[str] = []
        self._more = asyncio.Event()

    def __call__(self, _connection: object, _pid: int, _channel: str, payload: str) -> None:
        self.payloads.append(payload)
        self._more.set()

    async def wait_for(self, text: str) -> None:
        async with asyncio.timeout(20):
            while not any(text in payload for payload in self.payloads):
                self._more.clear()
                await self._more.wait()


@asynccontextmanager
async def _listening(settings: StoreSettings) -> AsyncIterator[Heard]:
    connection: Any = await asyncpg.connect(settings.database_url.replace("+asyncpg", ""))
    heard = Heard()
    await connection.add_listener(CHANNEL, heard)
    try:
        yield heard
    finally:
        await connection.close()


async def _make_busy(store: Store, inbox: int) -> None:
    while _telling(store)._teller is None:
        await append(store, inbox)


async def _commit(store: Store, id: str) -> None:
    async def work(transaction: Any) -> None:
        transaction.topics.add(Topic(TopicKind.MAILBOX, id))

    await store._backend.database.write(work)  # type: ignore[attr-defined]


def _ids(store: Store) -> list[str | None]:
    """The mailboxes that it hears of from now on; None for a gap."""
    ids: list[str | None] = []
    store.feed.watch_kind(TopicKind.MAILBOX, ids.append)
    return ids


async def _until(ids: list[str | None], id: object) -> None:
    async with asyncio.timeout(20):
        while str(id) not in ids:
            await asyncio.sleep(0.005)


# --- when it is told ------------------------------------------------------------------------------


async def test_commits_far_apart_are_told_by_their_transactions(
    postgres_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_telling, "LULL_SECONDS", 0.0)
    async with open_test_store(postgres_settings) as store, _listening(postgres_settings) as heard:
        inbox = await new_inbox(store)
        for _ in range(3):
            await append(store, inbox)
        await heard.wait_for(f"m{inbox}")
        assert _telling(store)._teller is None
    assert not any(payload.endswith((f" {BUSY}", f" {DONE}")) for payload in heard.payloads)


async def test_a_process_that_goes_on_committing_says_so_and_says_when_all_is_told(
    postgres_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_test_store(postgres_settings) as store, _listening(postgres_settings) as heard:
        inbox = await new_inbox(store)
        await _make_busy(store, inbox)
        monkeypatch.setattr(feed_telling, "LULL_SECONDS", 0.0)
        await heard.wait_for(f" {DONE}")
        name = _carrier(store).name
        states = [payload.split()[-1] for payload in heard.payloads]
        assert states.index(BUSY) < states.index(DONE) == len(states) - 1
        assert heard.payloads[-1] == f"{name} {DONE}"


@pytest.mark.usefixtures("_stays_busy")
async def test_what_is_told_after_a_commit_can_be_read(postgres_settings: StoreSettings) -> None:
    async with open_test_store(postgres_settings) as one, open_test_store(postgres_settings) as other:
        inbox = await new_inbox(one)
        await _make_busy(one, inbox)
        for _ in range(20):
            heard = asyncio.Event()
            stop = other.feed.watch(Topic(TopicKind.MAILBOX, str(inbox)), heard.set)
            await asyncio.sleep(0.02)  # what was told of the last one
            heard.clear()
            (uid,) = await append(one, inbox)
            await asyncio.wait_for(heard.wait(), 20)
            assert (await other.messages.snapshot(inbox)).entry(uid) is not None
            stop()


@pytest.mark.usefixtures("_stays_busy")
async def test_a_thousand_commits_are_few_notifications(postgres_settings: StoreSettings) -> None:
    """What is committed while something is being told is told together, in texts that PostgreSQL takes."""
    async with open_test_store(postgres_settings) as one, open_test_store(postgres_settings) as other:
        await _make_busy(one, await new_inbox(one))
        ids = _ids(other)
        async with _listening(postgres_settings) as heard:
            async with _carrier(one)._in_use:
                await asyncio.gather(*[_commit(one, f"{id:030}") for id in range(1000)])
            for id in range(1000):
                await _until(ids, f"{id:030}")
            told = [payload for payload in heard.payloads if " m" in payload]
        assert len(told) < 20
        assert all(len(payload) < 8000 for payload in told)


@pytest.mark.usefixtures("_stays_busy")
async def test_who_may_do_what_is_told_by_the_transaction_itself(postgres_settings: StoreSettings) -> None:
    async with open_test_store(postgres_settings) as one, open_test_store(postgres_settings) as other:
        user = await new_user(one)
        await _make_busy(one, await inbox_of(one, user))
        heard = asyncio.Event()
        async with _carrier(one)._in_use:  # nothing can be told after a commit
            other.feed.watch(Topic(TopicKind.USER, str(user.id)), heard.set)
            await one.directory.set_disabled(user.id, True)
            await asyncio.wait_for(heard.wait(), 2.5)  # and not by a gap, which comes later


def test_only_hints_of_mail_may_wait() -> None:
    assert {TopicKind.MAILBOX, TopicKind.OUTBOX, TopicKind.QUEUE} == feed_telling.MAY_WAIT


# --- when it cannot be told -----------------------------------------------------------------------


@pytest.mark.usefixtures("_stays_busy")
async def test_a_broken_connection_delays_what_is_told_and_later_commits_tell_by_themselves(
    postgres_settings: StoreSettings,
) -> None:
    async with open_test_store(postgres_settings) as one, open_test_store(postgres_settings) as other:
        inbox, second = await new_inbox(one), await new_inbox(one, "bob")
        await _make_busy(one, inbox)
        ids = _ids(other)
        async with _carrier(one)._in_use:
            await append(one, inbox)
            _carrier(one)._connection.terminate()
        async with asyncio.timeout(20):
            while _telling(one)._said_at > 0:
                await asyncio.sleep(0)
        await append(one, second)
        await _until(ids, second)
        await _until(ids, inbox)


@pytest.mark.usefixtures("_stays_busy")
async def test_closing_tells_what_is_gathered(postgres_settings: StoreSettings) -> None:
    async with open_test_store(postgres_settings) as one, _listening(postgres_settings) as heard:
        await _make_busy(one, await new_inbox(one))
        async with _carrier(one)._in_use:
            await _commit(one, "123456789")
            closing = asyncio.create_task(one.close())
            await asyncio.sleep(0)
        await closing
        await heard.wait_for("m123456789")
        await heard.wait_for(f" {DONE}")
        assert heard.payloads[-1].endswith(f" {DONE}")


def _commit_and_tell_nobody(settings: StoreSettings, inbox: int, answers: Any) -> None:
    async def work() -> None:
        feed_telling.LULL_SECONDS = feed_telling.FRESH_SECONDS = 1000.0
        store = await open_store(settings)
        await _make_busy(store, inbox)
        async with _carrier(store)._in_use:
            answers.put(await append(store, inbox))
            await asyncio.Event().wait()

    asyncio.run(work())


async def test_a_process_killed_between_its_commit_and_the_news_is_noticed(
    postgres_settings: StoreSettings,
) -> None:
    processes = multiprocessing.get_context("spawn")
    answers = processes.SimpleQueue()
    async with open_test_store(postgres_settings) as store:
        _carrier(store)._silence._due.clear()  # a gap for whoever was busy before would show it as well
        inbox = await new_inbox(store)
        snapshot = await store.messages.snapshot(inbox)
        process = processes.Process(target=_commit_and_tell_nobody, args=(postgres_settings, inbox, answers))
        process.start()
        try:
            (uid,) = await asyncio.to_thread(answers.get)
        finally:
            process.kill()
        moved = asyncio.Event()
        stop = snapshot.listen(moved.set)
        async with asyncio.timeout(20):
            while snapshot.entry(uid) is None:
                await moved.wait()
                moved.clear()
        stop()
