"""Backup, restore and verify of a store whose large content lies in an object store."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.conftest import open_test_store
from tests.storage.making import deliver, inbox_of, octets_of, prepared
from tests.storage.test_archive import everything, fill, silent
from tests.storage.test_collecting import database_of
from tests.storage.test_objects import LARGE, age, keys, move
from tests.support.object_server.running import ObjectServer
from tests.support.object_server.wire import wire

from mailkeep.errors import SettingsError, StoreCorrupt, StoreUnavailable
from mailkeep.settings import StoreSettings
from mailkeep.settings_objects import ObjectSettings
from mailkeep.storage import archive
from mailkeep.storage.blobs import CHUNK
from mailkeep.storage.checking import Fault, Seen, check
from mailkeep.storage.interface import Store
from mailkeep.storage.objects.bucket import Bucket
from mailkeep.storage.opening import opened_database
from mailkeep.storage.query import Query

PLACES = ("blob_object", "object_leaving")


@pytest.fixture
def objects(object_server: ObjectServer) -> ObjectSettings:
    """An object store of the test's own."""
    return object_server.settings()


@pytest.fixture
async def store(store_settings: StoreSettings, objects: ObjectSettings) -> AsyncIterator[Store]:
    """A store that has it, with something of most kinds."""
    async with open_test_store(store_settings, objects) as opened:
        await fill(opened)
        await deliver(opened, "alice", message=prepared(LARGE))
        await age(opened)
        yield opened


async def faults(store: Store, objects: ObjectSettings | None) -> list[Fault]:
    return [fault async for fault in check(database_of(store), Seen(), objects and Bucket(objects))]


async def test_a_backup_holds_what_lies_in_the_object_store(
    store: Store, objects: ObjectSettings, tmp_path: Path
) -> None:
    before = await everything(database_of(store))
    assert (await move(store)).blobs == 2
    assert len(await keys(store, "blob_object")) == 2
    written = await archive.write(database_of(store), tmp_path / "backup", silent, Bucket(objects))
    assert archive.inspect(tmp_path / "backup") == written
    for name in PLACES:
        before[name] = []
    before.pop("compatibility")
    async with opened_database(StoreSettings(data_dir=str(tmp_path / "other"))) as other:
        assert await archive.restore(other, tmp_path / "backup", silent) == written
        after = await everything(other)
        for name, rows in before.items():
            assert after[name] == rows, name
        assert [fault async for fault in check(other, Seen())] == []


async def test_a_backup_while_some_of_it_is_in_both(
    store: Store, objects: ObjectSettings, tmp_path: Path
) -> None:
    await move(store)
    await deliver(store, "alice", message=prepared(LARGE))
    gone = Query("DELETE FROM blob_chunk WHERE number IN (2, 5)")
    await database_of(store).write(lambda transaction: transaction.run(gone))
    assert await faults(store, objects) == []
    await archive.write(database_of(store), tmp_path / "backup", silent, Bucket(objects))
    async with opened_database(StoreSettings(data_dir=str(tmp_path / "other"))) as other:
        await archive.restore(other, tmp_path / "backup", silent)
        assert [fault async for fault in check(other, Seen())] == []


async def test_what_was_restored_can_be_moved_again(
    store: Store, object_server: ObjectServer, objects: ObjectSettings, tmp_path: Path
) -> None:
    await move(store)
    await archive.write(database_of(store), tmp_path / "backup", silent, Bucket(objects))
    settings = StoreSettings(data_dir=str(tmp_path / "other"))
    async with opened_database(settings) as other:
        await archive.restore(other, tmp_path / "backup", silent)
    async with open_test_store(settings, object_server.settings()) as other_store:
        assert (await move(other_store)).blobs == 2
        (alice,) = [user for user in await other_store.directory.users() if user.name == "Alice"]
        inbox = await inbox_of(other_store, alice)
        last = (await other_store.messages.snapshot(inbox)).uids[-1]
        assert (await octets_of(other_store, inbox, last)).endswith(LARGE)


async def test_no_backup_without_all_of_the_content(
    store: Store, objects: ObjectSettings, tmp_path: Path
) -> None:
    await move(store)
    path = tmp_path / "backup"
    path.write_text("the last one")
    with pytest.raises(SettingsError, match="object store"):
        await archive.write(database_of(store), path, silent)
    async with wire(objects) as between:
        bucket = Bucket(between.settings)
        await between.cut()
        with pytest.raises(StoreUnavailable):
            await archive.write(database_of(store), path, silent, bucket)
    await Bucket(objects).delete((await keys(store, "blob_object"))[0])
    with pytest.raises(StoreCorrupt):
        await archive.write(database_of(store), path, silent, Bucket(objects))
    assert path.read_text() == "the last one"
    assert [name for name in os.listdir(tmp_path) if "backup" in name] == ["backup"]


async def test_a_check_reads_every_object(store: Store, objects: ObjectSettings) -> None:
    await move(store)
    seen = Seen()
    assert [fault async for fault in check(database_of(store), seen, Bucket(objects))] == []
    assert (seen.objects, seen.octets > 10 * CHUNK) == (2, True)
    with pytest.raises(SettingsError, match="object store"):
        await faults(store, None)


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        ("missing", "is missing"),
        ("short", "is shorter"),
        ("flipped", "other octets"),
        ("other", "other octets"),
    ],
)
async def test_harm_is_found_and_named(store: Store, objects: ObjectSettings, harm: str, says: str) -> None:
    await move(store)
    bucket = Bucket(objects)
    rows = await database_of(store).read(
        lambda c: c.all(Query("SELECT key, size FROM blob_object ORDER BY size"))
    )
    (_, _), (key, size) = rows
    whole = await bucket.get(key, 0, size)
    if harm == "missing":
        await bucket.delete(key)
    elif harm == "short":
        await bucket.put(key, whole[:-1])
    elif harm == "flipped":
        await bucket.put(key, whole[: size // 2] + bytes([whole[size // 2] ^ 1]) + whole[size // 2 + 1 :])
    else:
        await bucket.put(key, os.urandom(size))
    (fault,) = await faults(store, objects)
    assert fault.kind == "object"
    assert key in fault.sentence
    assert says in fault.sentence


async def test_a_check_says_that_the_object_store_is_away(store: Store, objects: ObjectSettings) -> None:
    await move(store)
    async with wire(objects) as between:
        await between.cut()
        with pytest.raises(StoreUnavailable):
            await faults(store, between.settings)
