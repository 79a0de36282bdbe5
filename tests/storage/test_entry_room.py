"""PostgreSQL's pages of entries have room for a flag change of all their rows (migration 0025).

A version that finds none on its page goes to another, and into three indexes as well: four times the time.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import create_async_engine
from tests.storage.making import append, new_inbox

from mailkeep.model.flags import FlagAction, Flags
from mailkeep.model.uids import UID_MAX, UidSet
from mailkeep.settings import StoreSettings
from mailkeep.storage import open_store

ALL = UidSet(((1, UID_MAX),))
ENTRIES = 300  # a few pages
PAGES = "SELECT uid, (ctid::text::point)[0] FROM entry ORDER BY uid"


async def pages(settings: StoreSettings) -> list[tuple[int, float]]:
    engine = create_async_engine(settings.database_url)
    async with engine.connect() as connection:
        rows = await connection.exec_driver_sql(PAGES)
        found = [(row[0], row[1]) for row in rows]
    await engine.dispose()
    return found


async def test_a_store_on_all_leaves_every_entry_on_its_page(postgres_settings: StoreSettings) -> None:
    store = await open_store(postgres_settings)
    try:
        inbox = await new_inbox(store)
        await append(store, inbox, ENTRIES)
        before = await pages(postgres_settings)
        for flags in (["\\Seen", "$Important"], ["\\Flagged"], ["\\Answered", "$Junk"]):
            await store.committer.store_flags(inbox, ALL, FlagAction.SET, Flags.parse(flags))
            assert await pages(postgres_settings) == before
    finally:
        await store.close()
    assert len({page for _, page in before}) > 1
