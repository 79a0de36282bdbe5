"""Mail that waited for an address becomes its user's, at once and for a price that does not grow."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.conftest import open_test_store
from tests.storage.making import DOMAIN, address, append, deliver, inbox_of, new_user, octets_of, prepared

from mailkeep.errors import AlreadyExists
from mailkeep.settings import StoreSettings
from mailkeep.storage.database import Transaction
from mailkeep.storage.interface import Store
from mailkeep.storage.store import OpenedStore


async def test_waiting_mail_is_in_the_inbox_of_a_new_user(store: Store) -> None:
    await store.directory.add_domain(DOMAIN)
    message = prepared(b"kept\r\n")
    (waiting,) = await deliver(store, "alice", message=message)
    assert waiting.user_id is None
    user = await store.directory.add_user(address("alice"))
    assert user.account_id == waiting.account_id
    assert await octets_of(store, await inbox_of(store, user), waiting.uid) == message.header + b"kept\r\n"


async def test_a_session_that_is_open_in_another_process_sees_the_claim(
    store_settings: StoreSettings,
) -> None:
    async with open_test_store(store_settings) as one, open_test_store(store_settings) as other:
        await one.directory.add_domain(DOMAIN)
        await deliver(other, "alice")
        user = await one.directory.add_user(address("alice"))
        assert (await deliver(other, "alice"))[0].user_id == user.id


class CountingTransaction:
    """Counts the statements of a unit of work and the rows that they write."""

    def __init__(self, transaction: Any) -> None:
        self._transaction = transaction
        self.topics = transaction.topics
        self.dialect = transaction.dialect
        self.statements = 0
        self.rows = 0

    async def run(self, query: Any, **parameters: Any) -> int:
        self.statements += 1
        written: int = await self._transaction.run(query, **parameters)
        self.rows += written
        return written

    def __getattr__(self, name: str) -> Any:
        self.statements += 1
        return getattr(self._transaction, name)


async def cost_of(store: Store, do: Callable[[], Awaitable[Any]]) -> tuple[int, int]:
    """Statements and written rows of the transactions that `do` makes."""
    assert isinstance(store, OpenedStore)
    database: Any = store.directory._database  # type: ignore[attr-defined]
    write, seen = database.write, []

    async def counted(work: Callable[[Transaction], Awaitable[Any]]) -> Any:
        def counting(transaction: Any) -> Awaitable[Any]:
            seen.append(CountingTransaction(transaction))
            return work(seen[-1])

        return await write(counting)

    database.write = counted
    try:
        await do()
    finally:
        database.write = write
    return sum(one.statements for one in seen), sum(one.rows for one in seen)


async def test_the_cost_of_a_claim_does_not_grow_with_the_mail(store: Store) -> None:
    await store.directory.add_domain(DOMAIN)
    await deliver(store, "few")
    (first, *_) = [(await deliver(store, "many"))[0] for _ in range(100)]
    few = await cost_of(store, lambda: store.directory.add_user(address("few")))
    many = await cost_of(store, lambda: store.directory.add_user(address("many")))
    assert few == many
    assert many[0] < 20
    user = await store.directory.user_by_address(address("many"))
    assert user is not None
    assert user.account_id == first.account_id
    assert (await store.mailboxes.get(user.account_id, "INBOX")).messages == 100


async def test_mail_for_a_further_address_moves_into_the_inbox_with_new_uids(store: Store) -> None:
    user = await new_user(store)
    inbox = await inbox_of(store, user)
    await append(store, inbox, 3)
    snapshot = await store.messages.snapshot(inbox)
    messages = [prepared(f"{number}\r\n".encode()) for number in range(4)]
    for number, message in enumerate(messages):
        await deliver(store, "second", message=message, minutes=number)
    await store.directory.add_address(user.id, address("second"))
    await store.messages.refresh(snapshot)
    assert list(snapshot.uids) == [1, 2, 3, 4, 5, 6, 7]
    for uid, message in zip(range(4, 8), messages, strict=True):
        assert await octets_of(store, inbox, uid) == message.header + bytes(message.content)  # type: ignore[arg-type]
    box = await store.mailboxes.get(user.account_id, "INBOX")
    assert (box.messages, box.unseen, box.uidnext) == (7, 7, 8)
    assert (await deliver(store, "second"))[0].uid == 8


async def test_mail_is_moved_piece_by_piece_in_its_order(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailkeep.storage.claiming.MOVED_AT_ONCE", 3)
    user = await new_user(store)
    inbox = await inbox_of(store, user)
    messages = [prepared(f"{number}\r\n".encode()) for number in range(8)]
    for number in (4, 1, 7, 0, 2, 6, 3, 5):
        await deliver(store, "second", message=messages[number], minutes=number)
    await store.directory.add_address(user.id, address("second"))
    for uid, message in enumerate(messages, 1):
        assert await octets_of(store, inbox, uid) == message.header + bytes(message.content)  # type: ignore[arg-type]
    assert (await store.mailboxes.get(user.account_id, "INBOX")).messages == 8


async def test_more_mail_than_the_change_log_writes_down_is_moved_too(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailkeep.storage.change_log.APPENDED_LIMIT", 2)
    user = await new_user(store)
    snapshot = await store.messages.snapshot(await inbox_of(store, user))
    for _ in range(5):
        await deliver(store, "second")
    await store.directory.add_address(user.id, address("second"))
    await store.messages.refresh(snapshot)
    assert list(snapshot.uids) == [1, 2, 3, 4, 5]
    (difference,) = snapshot.changes_since(1) or ()
    assert str(difference.appended) == "1:5"


async def test_deliveries_and_a_claim_at_once_lose_nothing(store_settings: StoreSettings) -> None:
    async with open_test_store(store_settings) as one, open_test_store(store_settings) as other:
        user = await new_user(one)
        await one.directory.add_domain("more.test")

        async def deliveries(store: Store) -> None:
            for _ in range(20):
                await deliver(store, "second", "third@more.test")

        async def claims() -> None:
            await asyncio.sleep(0.01)
            await other.directory.add_address(user.id, address("second"))
            await one.directory.add_user(address("third@more.test"))

        await asyncio.gather(deliveries(one), deliveries(other), claims())
        third = await one.directory.user_by_address(address("third@more.test"))
        assert third is not None
        for account_id in (user.account_id, third.account_id):
            inbox = await one.mailboxes.get(account_id, "INBOX")
            assert (inbox.messages, inbox.uidnext) == (40, 41)
            assert list((await one.messages.snapshot(inbox.id)).uids) == list(range(1, 41))


async def test_one_of_two_users_who_claim_at_once_gets_it(store_settings: StoreSettings) -> None:
    async with open_test_store(store_settings) as one, open_test_store(store_settings) as other:
        user = await new_user(one)
        await deliver(one, "wanted")
        results = await asyncio.gather(
            one.directory.add_address(user.id, address("wanted")),
            other.directory.add_user(address("wanted")),
            return_exceptions=True,
        )
        failures = [result for result in results if isinstance(result, BaseException)]
        assert [type(failure) for failure in failures] == [AlreadyExists]
        owner = await one.directory.user_by_address(address("wanted"))
        assert owner is not None
        assert (await one.mailboxes.get(owner.account_id, "INBOX")).messages == 1


async def test_processes_that_meet_an_unknown_address_at_once_agree(store_settings: StoreSettings) -> None:
    async with open_test_store(store_settings) as one, open_test_store(store_settings) as other:
        await one.directory.add_domain(DOMAIN)
        results = await asyncio.gather(
            *[deliver(store, f"new{number}") for number in range(10) for store in (one, other)]
        )
        accounts = {delivered.target.address: set() for (delivered,) in results}
        for (delivered,) in results:
            accounts[delivered.target.address].add((delivered.account_id, delivered.mailbox_id))
        assert all(len(found) == 1 for found in accounts.values())
        assert len(await one.directory.addresses()) == 10
