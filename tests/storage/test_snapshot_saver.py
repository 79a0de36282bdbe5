"""Who saves a snapshot, and when: whoever read entries, and again when the log has grown; nobody twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.conftest import open_test_store
from tests.storage.making import append, new_inbox, new_user

from mailkeep.errors import StoreUnavailable
from mailkeep.model.flags import FlagAction, Flags
from mailkeep.model.uids import UidSet
from mailkeep.settings import StoreSettings
from mailkeep.storage import entry_pages, packed_snapshot, saved_snapshots, snapshot_saver
from mailkeep.storage.interface import Store
from mailkeep.storage.query import Query
from mailkeep.storage.snapshot import Snapshot

SEEN = Flags.parse(["\\Seen"])
SAVED = Query("SELECT modseq, made_at FROM saved_snapshot WHERE mailbox_id = :id")
MESSAGES = 200


@pytest.fixture(autouse=True)
def _hundreds_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_snapshots, "FEWEST", MESSAGES // 2)
    monkeypatch.setattr(saved_snapshots, "ENTRIES_A_ROW", 0)
    monkeypatch.setattr(saved_snapshots, "REPLAYED", 100)
    monkeypatch.setattr(snapshot_saver, "MESSAGES_AN_OCTET", 1)
    monkeypatch.setattr(snapshot_saver, "LEAST_OCTETS", MESSAGES // 2)
    monkeypatch.setattr(snapshot_saver, "REST_SECONDS", (0.0, 0.001))


@pytest.fixture
def packings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The modseqs of the snapshots that were packed since."""
    seen: list[int] = []
    pack = packed_snapshot.pack

    def counted(copied: packed_snapshot.Copied) -> bytes | None:
        seen.append(copied.modseq)
        return pack(copied)

    monkeypatch.setattr(packed_snapshot, "pack", counted)
    return seen


def saver_of(store: Store) -> Any:
    return store.messages._snapshots._saver  # type: ignore[attr-defined]


async def idle(store: Store) -> None:
    """Wait until this process saves nothing."""
    async with asyncio.timeout(20):
        while saver_of(store)._task is not None:
            await asyncio.sleep(0.001)


async def saved(store: Store, mailbox_id: int) -> tuple[int, int] | None:
    """The modseq of what is saved, and when it was made."""
    database = store.messages._database  # type: ignore[attr-defined]
    row = await database.read(lambda connection: connection.one(SAVED, id=mailbox_id))
    return None if row is None else (row[0], row[1])


async def filled(store: Store, count: int = MESSAGES) -> int:
    inbox = await new_inbox(store)
    await append(store, inbox, count)
    return inbox


@asynccontextmanager
async def another(settings: StoreSettings, inbox: int) -> AsyncIterator[tuple[Store, Snapshot]]:
    """Another process that selects the mailbox, when it has saved what it wanted to."""
    async with open_test_store(settings) as store:
        snapshot = await store.messages.snapshot(inbox)
        await idle(store)
        yield store, snapshot


async def test_what_one_process_read_the_next_does_not_read(
    store_settings: StoreSettings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = await filled(store)
    async with another(store_settings, inbox) as (_, first):
        assert await saved(store, inbox) is not None
        await append(store, inbox, 2)
        monkeypatch.setattr(entry_pages, "page", None)
        async with another(store_settings, inbox) as (_, second):
            assert list(second.message_ids)[:-2] == list(first.message_ids)[:MESSAGES]
            assert len(second) == MESSAGES + 2


async def test_small_mailboxes_are_not_saved(store_settings: StoreSettings, store: Store) -> None:
    inbox = await filled(store, MESSAGES // 2 - 1)
    async with another(store_settings, inbox):
        assert await saved(store, inbox) is None


async def test_a_mailbox_that_is_held_is_saved_again_when_the_log_has_grown(
    store_settings: StoreSettings, store: Store, packings: list[int]
) -> None:
    inbox = await filled(store)
    async with another(store_settings, inbox) as (other, snapshot):
        first = await saved(store, inbox)
        for uid in range(1, 30):
            await store.committer.store_flags(inbox, UidSet.of([uid]), FlagAction.ADD, SEEN)
            await other.messages.refresh(snapshot)
            await idle(other)
        later = await saved(store, inbox)
        assert first is not None
        assert later is not None
        assert later[0] > first[0]
        assert 2 <= len(packings) <= 6  # 200 messages, and a change of flags weighs about 25


async def test_what_is_recent_enough_is_not_saved_again(
    store_settings: StoreSettings, store: Store, packings: list[int]
) -> None:
    inbox = await filled(store)
    async with another(store_settings, inbox):
        await append(store, inbox)
        for _ in range(3):
            async with another(store_settings, inbox):
                pass
    assert len(packings) == 1


async def test_of_processes_that_hold_the_same_one_saves_and_the_others_see_it(
    store_settings: StoreSettings, store: Store, monkeypatch: pytest.MonkeyPatch, packings: list[int]
) -> None:
    inbox = await filled(store)
    monkeypatch.setattr(snapshot_saver, "REST_SECONDS", (3600.0, 3600.0))  # it is this test that wakes them
    async with open_test_store(store_settings) as one, open_test_store(store_settings) as other:
        held, also = await one.messages.snapshot(inbox), await other.messages.snapshot(inbox)
        for process in (one, other):
            assert list(saver_of(process)._waiting) == [inbox]
            await saver_of(process)._save_next()
        assert len(packings) == 1
        assert held.unsaved == also.unsaved == 0


async def test_after_more_than_the_log_says_it_is_saved_anew(
    store_settings: StoreSettings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailkeep.storage.operations.copying.APPENDED_LIMIT", 10)
    user = await new_user(store)
    inbox = (await store.mailboxes.get(user.account_id, "INBOX")).id
    await append(store, inbox, MESSAGES)
    async with another(store_settings, inbox) as (other, held):
        before = await saved(store, inbox)
        await store.committer.copy(inbox, UidSet.parse("1:20"), inbox)
        await other.messages.refresh(held)
        await idle(other)
        after = await saved(store, inbox)
        assert before is not None
        assert after == (held.highestmodseq, after and after[1])
        assert len(held) == MESSAGES + 20


@pytest.mark.parametrize("harm", ["packed = :octets", "version = '0'", "modseq = 1", "modseq = 99999"])
async def test_what_is_of_no_use_is_replaced(
    store_settings: StoreSettings, store: Store, monkeypatch: pytest.MonkeyPatch, harm: str
) -> None:
    inbox = await filled(store)
    monkeypatch.setattr(saved_snapshots, "REPLAYED", 1)
    async with another(store_settings, inbox):
        before = await saved(store, inbox)
    await append(store, inbox)
    given = {"octets": b"damaged"} if ":octets" in harm else {}
    database = store.messages._database  # type: ignore[attr-defined]
    await database.write(lambda t: t.run(Query(f"UPDATE saved_snapshot SET {harm}"), **given))
    async with another(store_settings, inbox) as (_, snapshot):
        assert len(snapshot) == MESSAGES + 1
        after = await saved(store, inbox)
    assert before is not None
    assert after is not None
    assert after[0] == before[0] + 1
    monkeypatch.setattr(entry_pages, "page", None)
    async with another(store_settings, inbox) as (_, snapshot):
        assert len(snapshot) == MESSAGES + 1


async def test_what_fails_is_tried_again_when_the_mailbox_moves(
    store_settings: StoreSettings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = await filled(store)

    async def fails(*_: Any) -> bool:
        raise StoreUnavailable("The mail store does not answer at present.")

    with monkeypatch.context() as failing:
        failing.setattr(saved_snapshots, "write", fails)
        async with another(store_settings, inbox) as (other, snapshot):
            assert await saved(store, inbox) is None
            failing.undo()
            monkeypatch.setattr(snapshot_saver, "REST_SECONDS", (0.0, 0.0))
            await append(store, inbox)
            await other.messages.refresh(snapshot)
            await idle(other)
            assert await saved(store, inbox) is not None


async def test_a_mailbox_that_goes_before_it_is_saved(
    store_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot_saver, "REST_SECONDS", (0.3, 0.3))
    async with open_test_store(store_settings) as store:
        user = await new_user(store)
        made = await store.mailboxes.create(user.account_id, "a")
        await append(store, made.id, MESSAGES)
        await store.messages.snapshot(made.id)
        await store.mailboxes.delete(user.account_id, "a")
        await idle(store)
        assert await saved(store, made.id) is None
        assert not saver_of(store)._waiting


async def test_few_wait_to_be_saved(
    store_settings: StoreSettings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot_saver, "WAITING_AT_MOST", 2)
    monkeypatch.setattr(snapshot_saver, "REST_SECONDS", (0.2, 0.2))
    user = await new_user(store)
    boxes = [box.id for box in await store.mailboxes.list(user.account_id)][:4]
    for box in boxes:
        await append(store, box, MESSAGES)
    async with open_test_store(store_settings) as other:
        for box in boxes:
            await other.messages.snapshot(box)
        assert len(saver_of(other)._waiting) == 2
        await idle(other)
    assert [await saved(store, box) is not None for box in boxes] == [True, True, False, False]


async def test_a_store_that_closes_does_not_wait_for_it(
    store_settings: StoreSettings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = await filled(store)
    monkeypatch.setattr(snapshot_saver, "REST_SECONDS", (3600.0, 3600.0))
    async with open_test_store(store_settings) as other:
        await other.messages.snapshot(inbox)
        assert saver_of(other)._task is not None
    assert await saved(store, inbox) is None


@pytest.mark.parametrize(
    ("messages", "unsaved", "is_worth"),
    [
        (1000, 99, False),
        (1000, 999, False),
        (1000, 1001, True),
        (150, 101, False),
        (150, 151, True),
        (99, 999, False),
    ],
)
def test_when_it_is_worth_saving(messages: int, unsaved: int, is_worth: bool) -> None:
    assert snapshot_saver.is_worth_saving(messages, unsaved) is is_worth
