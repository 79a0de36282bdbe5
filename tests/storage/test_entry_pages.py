"""A mailbox read by pages of columns is what it is when followed commit by commit, whatever the values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.conftest import open_test_store
from tests.storage.making import new_inbox, prepared

from mailkeep.model.flags import NO_FLAGS, FlagAction, Flags, SystemFlag
from mailkeep.model.message import NewMessage
from mailkeep.model.uids import UidSet
from mailkeep.settings import StoreSettings
from mailkeep.storage.database import Transaction
from mailkeep.storage.interface import Store
from mailkeep.storage.query import Query
from mailkeep.storage.snapshot import Snapshot

UIDNEXT = Query("UPDATE mailbox SET uidnext = :uidnext WHERE id = :id")
LAST_UID = (1 << 32) - 1
DATES = (
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2038, 1, 19, 3, 14, 8, 999_999, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
)
FLAGS = (
    NO_FLAGS,
    Flags(SystemFlag(31)),
    Flags.parse(["\\Seen", "$Junk"]),
    NO_FLAGS,
    Flags.parse(["$Junk", "work"]),
    NO_FLAGS,
)


def entries(snapshot: Snapshot) -> list[Any]:
    """Everything in it."""
    return [snapshot.entry_at(place) for place in range(len(snapshot))]


async def skip_to(store: Any, mailbox_id: int, uidnext: int) -> None:
    """Go on with this UID."""

    async def work(transaction: Transaction) -> None:
        await transaction.run(UIDNEXT, id=mailbox_id, uidnext=uidnext)

    await store.messages._database.write(work)


async def fill(store: Store, inbox: int) -> None:
    """Messages with all of these dates and flags."""
    pairs = zip(DATES, FLAGS, strict=True)
    await store.committer.append(inbox, [NewMessage(prepared(), *pair) for pair in pairs])


@pytest.mark.parametrize("page", [1, 5, 6, 5000])
async def test_pages_hold_what_the_change_log_tells(
    store_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr("mailkeep.storage.entry_pages.PAGE", page)
    async with open_test_store(store_settings) as one, open_test_store(store_settings) as other:
        inbox = await new_inbox(one)
        followed = await one.messages.snapshot(inbox)
        await fill(one, inbox)
        await skip_to(one, inbox, LAST_UID - 10)
        await fill(one, inbox)
        await one.committer.expunge(inbox, UidSet.of([2, 5]), only_deleted=False)
        await one.committer.store_flags(inbox, UidSet.of([3]), FlagAction.ADD, Flags.parse(["later"]))
        await one.messages.refresh(followed)
        read = await other.messages.snapshot(inbox)
        assert entries(read) == entries(followed)
        assert list(read.uids) == [1, 3, 4, 6, *range(LAST_UID - 10, LAST_UID - 4)]
        assert list(read.internal_dates[-6:]) == [
            (date - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1) for date in DATES
        ]
        assert read.flags_at(1) == Flags.parse(["\\Seen", "$Junk", "later"])


async def test_an_empty_mailbox_has_no_page(store: Store) -> None:
    assert len(await store.messages.snapshot(await new_inbox(store))) == 0
