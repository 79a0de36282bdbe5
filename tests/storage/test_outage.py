"""The database goes away and comes back: StoreUnavailable meanwhile, then all goes on by itself."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tests.conftest import open_test_store
from tests.storage.making import address, append, deliver, new_inbox
from tests.support.postgres import PostgresCluster

from mailkeep.errors import MailkeepError, SettingsError, StoreUnavailable
from mailkeep.settings import StoreSettings
from mailkeep.storage import open_store
from mailkeep.storage.interface import Store


async def is_back(store: Store) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                return await store.ping()
            except StoreUnavailable:
                await asyncio.sleep(0.02)


async def test_everything_is_unavailable_and_then_available_again(
    postgres_settings: StoreSettings, postgres_cluster: PostgresCluster
) -> None:
    async with open_test_store(postgres_settings) as store:
        inbox = await new_inbox(store)
        await append(store, inbox)
        snapshot = await store.messages.snapshot(inbox)
        await asyncio.to_thread(postgres_cluster.stop, immediate=True)
        try:
            for attempt in (
                store.ping(),
                deliver(store, "alice"),
                append(store, inbox),
                store.messages.snapshot(inbox),
                store.messages.body(snapshot.message_ids[0]),
                store.directory.user_by_address(address("alice")),
                store.directory.recipient(address("new")),
                store.keys.by_prefix("mk_abcdefghi"),
                store.outbox.claim(1, 1),
                store.mailboxes.list(1),
            ):
                with pytest.raises(StoreUnavailable):
                    await attempt
        finally:
            await asyncio.to_thread(postgres_cluster.start)
        await is_back(store)
        (delivered,) = await deliver(store, "alice")
        assert delivered.uid == 2
        async with asyncio.timeout(30):  # the feed listens again, and told of the gap
            while len(snapshot) < 2:
                await asyncio.sleep(0.01)


async def test_what_was_acknowledged_before_a_crash_is_there_and_nothing_else(
    postgres_settings: StoreSettings, postgres_cluster: PostgresCluster
) -> None:
    async with open_test_store(postgres_settings) as store:
        inbox = await new_inbox(store)
        acknowledged: list[int] = []
        refused = 0
        done = False

        async def produce() -> None:
            nonlocal refused
            while not done:
                try:
                    acknowledged.extend(await append(store, inbox))
                except StoreUnavailable:
                    refused += 1
                    await asyncio.sleep(0.02)

        async def crash() -> None:
            nonlocal done
            for _ in range(3):
                await asyncio.sleep(0.15)
                await asyncio.to_thread(postgres_cluster.stop, immediate=True)
                await asyncio.to_thread(postgres_cluster.start)
            done = True

        await asyncio.gather(crash(), *[produce() for _ in range(4)])
        await is_back(store)
        assert refused
        uids = list((await store.messages.snapshot(inbox)).uids)
        assert sorted(acknowledged) == uids == list(range(1, len(uids) + 1))


async def test_a_commit_whose_answer_was_lost_is_looked_up(
    postgres_settings: StoreSettings, postgres_cluster: PostgresCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server commits, then the connection breaks before the answer is here."""
    execute = asyncpg.Connection.execute

    async def commit_and_lose_the_answer(self: Any, query: str, *arguments: Any, **more: Any) -> Any:
        answer = await execute(self, query, *arguments, **more)
        if query == "COMMIT":
            self.terminate()
            raise ConnectionResetError("the answer is lost")
        return answer

    async def lose_before_the_commit(self: Any, query: str, *arguments: Any, **more: Any) -> Any:
        if query == "COMMIT":
            self.terminate()
            raise ConnectionResetError("the request is lost")
        return await execute(self, query, *arguments, **more)

    async with open_test_store(postgres_settings) as store:
        inbox = await new_inbox(store)
        with monkeypatch.context() as patched:
            patched.setattr(asyncpg.Connection, "execute", commit_and_lose_the_answer)
            assert await append(store, inbox) == [1]
    async with open_test_store(postgres_settings) as store:
        with monkeypatch.context() as patched:
            patched.setattr(asyncpg.Connection, "execute", lose_before_the_commit)
            with pytest.raises(StoreUnavailable):
                await append(store, inbox)
        assert await append(store, inbox) == [2]


async def test_a_statement_that_commits_itself_is_looked_up_as_well(
    postgres_settings: StoreSettings, postgres_cluster: PostgresCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no transaction id: the message that only it writes is looked for."""
    fetchval = asyncpg.Connection.fetchval
    lost = []

    async def write_and_lose_the_answer(self: Any, query: str, *arguments: Any, **more: Any) -> Any:
        answer = await fetchval(self, query, *arguments, **more)
        if "same AS" in query:
            lost.append("the answer")
            self.terminate()  # as when it breaks, the pool takes it back before the error is here
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
        return answer

    async def lose_before_it_is_sent(self: Any, query: str, *arguments: Any, **more: Any) -> Any:
        if "same AS" in query:
            lost.append("the request")
            raise ConnectionResetError("the request is lost")
        return await fetchval(self, query, *arguments, **more)

    async with open_test_store(postgres_settings) as store:
        inbox = await new_inbox(store)
        assert await append(store, inbox) == [1]
        with monkeypatch.context() as patched:
            patched.setattr(asyncpg.Connection, "fetchval", write_and_lose_the_answer)
            assert await append(store, inbox) == [2]
        with monkeypatch.context() as patched:
            patched.setattr(asyncpg.Connection, "fetchval", lose_before_it_is_sent)
            with pytest.raises(StoreUnavailable):
                await append(store, inbox)
        assert await append(store, inbox) == [3]
        assert list((await store.messages.snapshot(inbox)).uids) == [1, 2, 3]
    assert lost == ["the answer", "the request"]


async def test_a_store_that_cannot_be_reached_cannot_be_opened(tmp_path: Path) -> None:
    secret = "hunter2"
    url = f"postgresql+asyncpg://mailkeep:{secret}@127.0.0.1:1/none"
    with pytest.raises(StoreUnavailable) as failure:
        await open_store(StoreSettings(data_dir=str(tmp_path), database=url))
    assert secret not in str(failure.value)


@pytest.mark.parametrize(
    "url", ["mysql://x/y", "nonsense", "sqlite://", "postgresql+psycopg://u:hunter2@h/d"]
)
async def test_a_url_that_names_no_store(tmp_path: Path, url: str) -> None:
    with pytest.raises(SettingsError) as failure:
        await open_store(StoreSettings(data_dir=str(tmp_path), database=url))
    assert "hunter2" not in str(failure.value)


async def test_a_file_that_is_not_a_database(tmp_path: Path) -> None:
    (tmp_path / "mailkeep.sqlite3").write_bytes(b"something else entirely " * 100)
    with pytest.raises(StoreUnavailable):
        await open_store(StoreSettings(data_dir=str(tmp_path)))


async def test_a_writer_that_waits_too_long_for_another_process(sqlite_settings: StoreSettings) -> None:
    settings = StoreSettings(data_dir=sqlite_settings.data_dir, timeout_seconds=0.2)
    async with open_test_store(settings) as store:
        inbox = await new_inbox(store)
        path = Path(settings.data_dir) / "mailkeep.sqlite3"
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailable):
                await append(store, inbox)
            assert len(await store.messages.snapshot(inbox)) == 0  # reading goes on
            other.execute("ROLLBACK")
        assert await append(store, inbox) == [1]


async def test_failures_are_domain_errors() -> None:
    assert issubclass(StoreUnavailable, MailkeepError)
