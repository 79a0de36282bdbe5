"""A commit that was foreseen is kept only if all is as this process left it: others write here too."""

from __future__ import annotations

from typing import Any

from tests.conftest import open_test_store
from tests.storage.making import append, deliver, inbox_of, new_user

from mailkeep.model.flags import FlagAction, Flags
from mailkeep.model.uids import UidSet
from mailkeep.settings import StoreSettings
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
