"""What a process remembers of its last commit counts only while it is so: others write here too."""

from __future__ import annotations

from typing import Any

import pytest
from tests.conftest import open_test_store
from tests.storage.making import append, deliver, inbox_of, new_user

from mailkeep.errors import StoreUnavailable
from mailkeep.model.flags import FlagAction, Flags
from mailkeep.model.uids import UidSet
from mailkeep.settings import StoreSettings
from mailkeep.storage import locked
from mailkeep.storage.database import Unforeseen
from mailkeep.storage.interface import Store


class Foreseen:
    """What became of a store's tries."""

    def __init__(self, store: Store) -> None:
        self._database: Any = store._backend.database  # type: ignore[attr-defined]
        self._write = self._database.write_foreseen
        self._database.write_foreseen = self._noted
        self.outcomes: list[bool] = []

    async def _noted(self, condition: Any, unit: Any) -> None:
        try:
            await self._write(condition, unit)
        except Unforeseen:
            self.outcomes.append(False)
            raise
        self.outcomes.append(True)


async def uid_of(store: Store) -> int:
    (one,) = await deliver(store, "alice")
    return one.uid


async def test_a_process_alone_foresees_all_but_its_first_commit(postgres_settings: StoreSettings) -> None:
    async with open_test_store(postgres_settings) as store:
        user = await new_user(store)
        foreseen = Foreseen(store)

        assert [await uid_of(store) for _ in range(4)] == [1, 2, 3, 4]

        assert foreseen.outcomes == [True, True, True]
        inbox = await inbox_of(store, user)
        assert list((await store.messages.snapshot(inbox)).uids) == [1, 2, 3, 4]


async def test_what_another_process_wrote_in_between_is_seen(postgres_settings: StoreSettings) -> None:
    async with open_test_store(postgres_settings) as store, open_test_store(postgres_settings) as other:
        user = await new_user(store)
        foreseen = Foreseen(store)
        assert [await uid_of(store), await uid_of(other), await uid_of(store)] == [1, 2, 3]

        inbox = await inbox_of(store, user)
        await append(store, inbox)
        seen = Flags.parse(["\\Seen"])
        await other.committer.store_flags(inbox, UidSet.of([1]), FlagAction.ADD, seen)
        await append(store, inbox)
        await append(store, inbox)
        assert foreseen.outcomes == [False, False]
        assert [await uid_of(store) for _ in range(4)] == [7, 8, 9, 10]

        assert foreseen.outcomes == [False, False, True, True]  # it rested for a while
        snapshot = await other.messages.snapshot(inbox)
        assert list(snapshot.uids) == list(range(1, 11))
        assert (await other.mailboxes.get(user.account_id, "INBOX")).unseen == 9


# --- SQLite says whether anybody has committed ------------------------------------------------------


class Asked:
    """How often a batch had to look for its mailboxes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.times = 0
        self._lock = locked.lock
        monkeypatch.setattr(locked, "lock", self._counted)

    async def _counted(self, *arguments: Any) -> Any:
        self.times += 1
        return await self._lock(*arguments)


async def test_a_process_alone_asks_once(
    sqlite_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_test_store(sqlite_settings) as store:
        inbox = await inbox_of(store, await new_user(store))
        await uid_of(store)
        asked = Asked(monkeypatch)

        assert [await uid_of(store) for _ in range(3)] == [2, 3, 4]
        assert await append(store, inbox, 2) == [5, 6]

        assert asked.times == 0
        assert list((await store.messages.snapshot(inbox)).uids) == [1, 2, 3, 4, 5, 6]


async def test_whatever_else_is_written_has_it_ask_again(
    sqlite_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_test_store(sqlite_settings) as store, open_test_store(sqlite_settings) as other:
        user = await new_user(store)
        inbox = await inbox_of(store, user)
        archive = (await store.mailboxes.get(user.account_id, "Archive")).id
        assert [await uid_of(store), await uid_of(other), await uid_of(store)] == [1, 2, 3]
        asked = Asked(monkeypatch)

        await store.mailboxes.create(user.account_id, "Another")  # this process, but not its committer
        assert await append(store, inbox) == [4]
        assert asked.times == 1
        assert await append(other, inbox) == [5]
        assert await append(store, archive) == [1]  # what it knew of INBOX goes with that
        assert await append(store, inbox) == [6]
        assert asked.times == 4

        snapshot = await other.messages.snapshot(inbox)
        assert list(snapshot.uids) == [1, 2, 3, 4, 5, 6]
        assert len(set(snapshot.message_ids)) == 6


async def test_what_was_rolled_back_is_not_remembered(sqlite_settings: StoreSettings) -> None:
    async with open_test_store(sqlite_settings) as store:
        inbox = await inbox_of(store, await new_user(store))
        assert await append(store, inbox) == [1]
        database: Any = store._backend.database  # type: ignore[attr-defined]
        count, database._carrier.count = database._carrier.count, None  # the last step before COMMIT
        with pytest.raises(StoreUnavailable):
            await append(store, inbox)
        database._carrier.count = count

        assert await append(store, inbox) == [2]
        assert list((await store.messages.snapshot(inbox)).uids) == [1, 2]
