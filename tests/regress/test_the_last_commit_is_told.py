"""A process that ends right after its commit, as commands do, still tells the others of it.

SQLite's thread answers first and tells the others then; the store was closed in between, and they heard of a
revoked key or an enabled user only when they looked at the store's number, a second or two later.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from tests.conftest import open_test_store
from tests.storage.making import append, new_inbox

from mailkeep.settings import StoreSettings
from mailkeep.storage import feed_sqlite
from mailkeep.storage.feed_sqlite import SqliteCarrier
from mailkeep.storage.interface import Topic, TopicKind


async def test_others_hear_of_a_commit_before_the_end(
    store_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_sqlite, "CHECK_SECONDS", 3600.0)
    announce = SqliteCarrier.announce

    def slowly(*arguments: Any) -> None:
        time.sleep(0.2)
        announce(*arguments)

    async with open_test_store(store_settings) as other:
        async with open_test_store(store_settings) as one:
            inbox = await new_inbox(one)
            await asyncio.sleep(0.1)
            heard = asyncio.Event()
            other.feed.watch(Topic(TopicKind.MAILBOX, str(inbox)), heard.set)
            monkeypatch.setattr(SqliteCarrier, "announce", slowly)
            await append(one, inbox)
        await asyncio.wait_for(heard.wait(), 30)
