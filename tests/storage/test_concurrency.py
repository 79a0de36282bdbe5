"""Two processes' worth of writers on one store: order, no deadlock, nothing lost."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

from tests.conftest import open_test_store
from tests.storage.making import append, deliver, inbox_of, new_inbox, new_user

from mailkeep.model.flags import FlagAction, Flags
from mailkeep.model.uids import UidSet
from mailkeep.settings import StoreSettings
from mailkeep.storage.interface import Store


async def test_uids_and_modseqs_are_in_commit_order_over_all_processes(
    store_settings: StoreSettings,
) -> None:
    """Whoever sees a UID has seen all lower ones: a reader that remembers UIDNEXT misses nothing."""
    async with open_test_store(store_settings) as one, open_test_store(store_settings) as other:
        inbox = await new_inbox(one)
        seen: list[list[int]] = []
        done = False

        async def watch() -> None:
            while not done:
                snapshot = await other.messages.snapshot(inbox)
                seen.append(list(snapshot.uids))
                changes = snapshot.changes_since(1) or ()
                modseqs = [change.modseq for change in changes]
                assert modseqs == list(range(2, 2 + len(modseqs)))

        async def write(store: Store) -> None:
            for _ in range(40):
                await asyncio.gather(*[append(store, inbox) for _ in range(3)])

        watcher = asyncio.create_task(watch())
        await asyncio.gather(write(one), write(other))
        done = True
        await watcher
        for uids in seen:
            assert uids == list(range(1, len(uids) + 1))
        assert list((await one.messages.snapshot(inbox)).uids) == list(range(1, 241))


async def test_moves_in_opposite_directions_do_not_deadlock(store_settings: StoreSettings) -> None:
    async with open_test_store(store_settings) as one, open_test_store(store_settings) as other:
        user = await new_user(one)
        inbox = await inbox_of(one, user)
        archive = (await one.mailboxes.get(user.account_id, "Archive")).id
        await append(one, inbox, 10)
        await append(one, archive, 10)
        every = UidSet(((1, 1_000_000),))

        async def shuffle(store: Store, source: int, target: int) -> None:
            for _ in range(15):
                await store.committer.move(source, every, target)

        async with asyncio.timeout(60):
            await asyncio.gather(
                shuffle(one, inbox, archive), shuffle(other, archive, inbox), shuffle(other, inbox, archive)
            )
        boxes = [await one.messages.snapshot(box) for box in (inbox, archive)]
        assert sum(map(len, boxes)) == 20


async def test_random_writes_of_two_processes_leave_exact_counters(store_settings: StoreSettings) -> None:
    async with open_test_store(store_settings) as one, open_test_store(store_settings) as other:
        users = [await new_user(one, name) for name in ("alice", "bob")]
        boxes = [box.id for user in users for box in await one.mailboxes.list(user.account_id)]

        async def work(store: Store, seed: int) -> None:
            chance = random.Random(seed)
            for _ in range(25):
                source, target = chance.choice(boxes), chance.choice(boxes)
                low = chance.randint(1, 20)
                uids = UidSet(((low, low + chance.randint(0, 9)),))
                flags = Flags.parse(chance.choice([["\\Seen"], ["\\Deleted"], ["kw"]]))
                action = chance.choice(
                    [
                        lambda: deliver(store, "alice", "bob"),
                        lambda s=source: append(store, s, 2),
                        lambda s=source, u=uids, f=flags: store.committer.store_flags(
                            s, u, FlagAction.ADD, f
                        ),
                        lambda s=source: store.committer.expunge(s, None),
                        lambda s=source, t=target, u=uids: store.committer.copy(s, u, t),
                        lambda s=source, t=target, u=uids: store.committer.move(s, u, t),
                    ]
                )
                await action()

        await asyncio.gather(*[work(store, seed) for seed, store in enumerate((one, other) * 4)])
        for user in users:
            for box in await one.mailboxes.list(user.account_id):
                for store in (one, other):
                    snapshot = await store.messages.snapshot(box.id)
                    assert len(snapshot) == box.messages
                    assert box.size == sum(snapshot.sizes)
                    assert box.unseen == sum(1 for flags in snapshot.system_flags if not flags & 1)
                    assert box.deleted == sum(1 for flags in snapshot.system_flags if flags & 8)
                    assert snapshot.highestmodseq == box.highestmodseq
                    assert max(snapshot.modseqs, default=1) <= box.highestmodseq


async def test_a_process_that_writes_all_the_time_lets_others_in(store_settings: StoreSettings) -> None:
    impatient = replace(store_settings, timeout_seconds=3.0)
    async with open_test_store(store_settings) as one, open_test_store(impatient) as other:
        inbox = await new_inbox(one)
        done = False

        async def busy() -> None:
            while not done:
                await append(one, inbox)

        writers = [asyncio.create_task(busy()) for _ in range(4)]
        try:
            for _ in range(20):
                await append(other, inbox)  # raises StoreUnavailable if it never gets in
        finally:
            done = True
            await asyncio.gather(*writers)


async def test_a_mailbox_deleted_under_its_writers(store_settings: StoreSettings) -> None:
    async with open_test_store(store_settings) as one, open_test_store(store_settings) as other:
        user = await new_user(one)
        for _ in range(5):
            made = await one.mailboxes.create(user.account_id, "short")
            appends = [
                asyncio.ensure_future(append(store, made.id)) for store in (one, other) for _ in range(5)
            ]
            await asyncio.sleep(0.002)
            await other.mailboxes.delete(user.account_id, "short")
            results = await asyncio.gather(*appends, return_exceptions=True)
            assert {type(result).__name__ for result in results} <= {"list", "MailboxNotFound"}


async def test_renames_and_deliveries_at_once(store_settings: StoreSettings) -> None:
    async with open_test_store(store_settings) as one, open_test_store(store_settings) as other:
        user = await new_user(one)

        async def renames() -> None:
            for number in range(10):
                await one.mailboxes.rename(user.account_id, "INBOX", f"old/{number}")

        async def deliveries() -> None:
            for _ in range(30):
                await deliver(other, "alice")

        await asyncio.gather(renames(), deliveries())
        boxes = await one.mailboxes.list(user.account_id)
        assert sum(box.messages for box in boxes) == 30
