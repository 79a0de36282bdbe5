"""The feed: hints of commits, within this process and between processes, and gaps."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import open_test_store
from tests.storage.making import append, deliver, inbox_of, new_inbox, new_user
from tests.support.postgres import PostgresCluster

from mailkeep.errors import StoreUnavailable
from mailkeep.settings import StoreSettings
from mailkeep.storage.feed import Hub, pack, unpack
from mailkeep.storage.feed_sqlite import PATH_LIMIT, socket_directory
from mailkeep.storage.interface import Store, Topic, TopicKind


class Watch:
    """Counts what it hears."""

    def __init__(self, store: Store, kind: TopicKind, id: object = "") -> None:
        self.count = 0
        self.heard = asyncio.Event()
        self.stop = store.feed.watch(Topic(kind, str(id)), self._changed)

    def _changed(self) -> None:
        self.count += 1
        self.heard.set()

    async def wait(self) -> None:
        await asyncio.wait_for(self.heard.wait(), 10)
        self.heard.clear()


async def test_a_commit_is_heard_here_before_it_is_answered(store: Store) -> None:
    inbox = await new_inbox(store)
    watch = Watch(store, TopicKind.MAILBOX, inbox)
    await append(store, inbox)
    assert watch.count == 1
    watch.stop()
    watch.stop()
    await append(store, inbox)
    assert watch.count == 1


async def test_a_commit_is_heard_in_other_processes(store_settings: StoreSettings) -> None:
    async with open_test_store(store_settings) as one, open_test_store(store_settings) as other:
        user = await new_user(one)
        inbox = await inbox_of(one, user)
        mailbox, account = (
            Watch(other, TopicKind.MAILBOX, inbox),
            Watch(other, TopicKind.ACCOUNT, user.account_id),
        )
        nobody = Watch(other, TopicKind.MAILBOX, inbox + 1000)  # the user's own may still be heard of
        await append(one, inbox)
        await mailbox.wait()
        await one.mailboxes.create(user.account_id, "new")
        await account.wait()
        await one.directory.set_disabled(user.id, True)
        assert nobody.count == 0


async def test_every_topic_of_a_large_commit_is_heard(store_settings: StoreSettings) -> None:
    """More topics than one notification carries."""
    async with open_test_store(store_settings) as one, open_test_store(store_settings) as other:
        topics = [Topic(TopicKind.USER, f"{number:036}") for number in range(3000)]
        heard: set[Topic] = set()
        for topic in topics:
            other.feed.watch(topic, lambda topic=topic: heard.add(topic))  # type: ignore[misc]
        database: Any = one._backend.database  # type: ignore[attr-defined]

        async def work(transaction: Any) -> None:
            transaction.topics.update(topics)

        await database.write(work)
        async with asyncio.timeout(10):
            while len(heard) < len(topics):
                await asyncio.sleep(0.01)


async def test_a_failing_watcher_does_not_silence_the_others(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    inbox = await new_inbox(store)

    def fail() -> None:
        raise ValueError("mine")

    stop = store.feed.watch(Topic(TopicKind.MAILBOX, str(inbox)), fail)
    watch = Watch(store, TopicKind.MAILBOX, inbox)
    await append(store, inbox)
    assert watch.count == 1
    assert "a watcher of the feed failed" in caplog.text
    stop()


async def test_a_rolled_back_transaction_is_not_heard(store: Store) -> None:
    user = await new_user(store)
    watch = Watch(store, TopicKind.ACCOUNT, user.account_id)
    with pytest.raises(Exception, match="already"):
        await store.mailboxes.create(user.account_id, "Drafts")
    assert watch.count == 0


# --- between processes on SQLite ------------------------------------------------------------------


async def test_a_lost_datagram_is_noticed_as_a_gap(sqlite_settings: StoreSettings) -> None:
    async with open_test_store(sqlite_settings) as one, open_test_store(sqlite_settings) as other:
        inbox = await new_inbox(one)
        await asyncio.sleep(0.1)
        watch = Watch(other, TopicKind.MAILBOX, inbox)
        for path in (Path(sqlite_settings.data_dir) / "feed").iterdir():
            path.rename(path.with_suffix(".gone"))  # now nobody can be told
        for path in (Path(sqlite_settings.data_dir) / "feed").iterdir():
            path.rename(Path(sqlite_settings.data_dir) / path.name)
        await append(one, inbox)
        assert watch.count == 0
        await watch.wait()


async def test_no_gap_without_a_loss(sqlite_settings: StoreSettings) -> None:
    async with open_test_store(sqlite_settings) as one, open_test_store(sqlite_settings) as other:
        inbox = await new_inbox(one)
        watch = Watch(other, TopicKind.KEY, "none")
        for _ in range(25):
            await append(one, inbox)
            await append(other, inbox)
            await asyncio.sleep(0.1)
        assert watch.count == 0


async def test_the_socket_of_a_dead_process_is_removed(sqlite_settings: StoreSettings) -> None:
    async with open_test_store(sqlite_settings) as store:
        dead = Path(sqlite_settings.data_dir) / "feed" / "dead.sock"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
            bound.bind(str(dead))
        await append(store, await new_inbox(store))
        async with asyncio.timeout(10):
            while dead.exists():
                await asyncio.sleep(0.01)
    assert list(dead.parent.iterdir()) == []


async def test_garbage_in_the_socket_is_ignored(sqlite_settings: StoreSettings) -> None:
    async with open_test_store(sqlite_settings) as store:
        inbox = await new_inbox(store)
        watch = Watch(store, TopicKind.MAILBOX, inbox)
        (path,) = (Path(sqlite_settings.data_dir) / "feed").iterdir()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as outside:
            for datagram in (b"", b"x", b"\xff\xfe", b"12", b"99 zz q", b"\xb2 m1"):
                outside.sendto(datagram, str(path))
        await append(store, inbox)
        await watch.wait()


async def test_a_data_directory_with_a_long_path(sqlite_template: Path, tmp_path: Path) -> None:
    data_dir = tmp_path / ("long" * 30)
    data_dir.mkdir()
    settings = StoreSettings(data_dir=str(data_dir))
    directory = socket_directory(data_dir)
    assert len(os.fsencode(directory / ("x" * 21))) <= PATH_LIMIT
    async with open_test_store(settings) as one, open_test_store(settings) as other:
        inbox = await new_inbox(one)
        watch = Watch(other, TopicKind.MAILBOX, inbox)
        await append(one, inbox)
        await watch.wait()
    assert directory.stat().st_mode & 0o777 == 0o700
    directory.rmdir()


async def test_a_short_directory_that_others_could_write_to_is_not_used(tmp_path: Path) -> None:
    data_dir = tmp_path / ("long" * 30)
    directory = socket_directory(data_dir)
    directory.mkdir()
    directory.chmod(0o777)
    try:
        with pytest.raises(StoreUnavailable):
            async with open_test_store(StoreSettings(data_dir=str(data_dir))):
                pass
    finally:
        directory.rmdir()


# --- between processes on PostgreSQL --------------------------------------------------------------


async def test_a_broken_listener_reconnects_and_tells_of_a_gap(
    postgres_settings: StoreSettings, postgres_cluster: PostgresCluster
) -> None:
    async with open_test_store(postgres_settings) as one, open_test_store(postgres_settings) as other:
        inbox = await new_inbox(one)
        await asyncio.sleep(0.1)
        watch = Watch(other, TopicKind.MAILBOX, inbox)
        await asyncio.to_thread(
            postgres_cluster.execute,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'",
        )
        await watch.wait()  # the gap
        await append(one, inbox)
        await watch.wait()


# --- the parts ------------------------------------------------------------------------------------


def test_texts_are_cut_between_words() -> None:
    topics = [Topic(TopicKind.MAILBOX, str(number)) for number in range(1000)]
    texts = pack(topics, 50)
    assert all(len(text) <= 50 for text in texts)
    assert [topic for text in texts for topic in unpack(text)] == topics
    assert pack([], 50) == []


def test_words_of_an_unknown_kind_are_left_out() -> None:
    assert unpack("m1 z9 d") == [Topic(TopicKind.MAILBOX, "1"), Topic(TopicKind.DIRECTORY)]


def test_a_gap_calls_everybody_even_if_they_stop_meanwhile() -> None:
    hub = Hub()
    heard: list[str] = []
    stops = [hub.watch(Topic(TopicKind.USER, name), lambda name=name: heard.append(name)) for name in "ab"]  # type: ignore[misc]
    hub.watch(Topic(TopicKind.USER, "c"), lambda: [stop() for stop in stops] and None)
    hub.gap()
    assert set(heard) == {"a", "b"}
    hub.gap()
    assert len(heard) == 2


async def test_whoever_follows_a_kind_hears_every_id_of_it(store: Store) -> None:
    user = await new_user(store)
    heard: list[str | None] = []
    stop = store.feed.watch_kind(TopicKind.MAILBOX, heard.append)
    inbox = await inbox_of(store, user)
    await deliver(store, "alice")
    assert heard == [str(inbox)]
    stop()
    await deliver(store, "alice")
    assert heard == [str(inbox)]
