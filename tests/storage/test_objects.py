"""Large content in an object store: each octet is the same wherever it lies, whatever happens on the way."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import trustme
from tests.conftest import open_test_store
from tests.storage.making import at, deliver, inbox_of, new_inbox, new_user, octets_of, prepared
from tests.storage.test_collecting import NOW, database_of, make_old
from tests.storage.test_queue import enqueue, outbound
from tests.support.object_server.running import ObjectServer
from tests.support.object_server.wire import wire

from mailkeep.errors import InUse, SettingsError, StoreCorrupt, StoreUnavailable
from mailkeep.model.message import NewMessage
from mailkeep.model.uids import UidSet
from mailkeep.settings import StoreSettings
from mailkeep.settings_objects import ObjectSettings
from mailkeep.storage import migrate, migrating, open_store
from mailkeep.storage.blobs import CHUNK
from mailkeep.storage.interface import Moved, Store
from mailkeep.storage.objects import leaving, moving
from mailkeep.storage.objects.bucket import Bucket, ObjectMissing
from mailkeep.storage.objects.storage import LOCK
from mailkeep.storage.query import Query

LARGE = random.Random(7).randbytes(10 * CHUNK + 77)


@pytest.fixture
def objects(object_server: ObjectServer) -> ObjectSettings:
    """An object store of the test's own."""
    return object_server.settings()


@pytest.fixture
async def store(store_settings: StoreSettings, objects: ObjectSettings) -> AsyncIterator[Store]:
    """A store that has it, once for each backend."""
    async with open_test_store(store_settings, objects) as opened:
        yield opened


async def age(store: Store) -> None:
    """Nobody has touched anything lately."""
    await make_old(store)


async def move(store: Store) -> Moved:
    await age(store)
    return await store.objects.move(in_a_hurry=True)


async def counted(store: Store, table: str) -> int:
    row = await database_of(store).read(lambda c: c.one(Query(f'SELECT count(*) FROM "{table}"')))
    assert row is not None
    return int(row[0])


async def keys(store: Store, table: str) -> list[str]:
    rows = await database_of(store).read(lambda c: c.all(Query(f'SELECT key FROM "{table}" ORDER BY key')))
    return [row[0] for row in rows]


async def leave_now(store: Store, objects: ObjectSettings) -> int:
    """As if a day had passed for all that nothing refers to."""
    return await leaving.remove(database_of(store), Bucket(objects), grace=-1)


async def large(store: Store, content: bytes = LARGE) -> tuple[int, int]:
    """The mailbox and UID of a large message, whose content has been moved."""
    inbox = await new_inbox(store)
    (delivered,) = await deliver(store, "alice", message=prepared(content))
    assert (await move(store)).blobs == 1
    return inbox, delivered.uid


# --- moving and reading -----------------------------------------------------------------------------


async def test_what_is_large_and_old_leaves_the_database_and_reads_the_same(store: Store) -> None:
    inbox = await new_inbox(store)
    contents = [b"small", LARGE, os.urandom(CHUNK), os.urandom(CHUNK + 1)]
    messages = [prepared(content) for content in contents]
    for message in messages:
        await deliver(store, "alice", message=message)
    done = await move(store)
    assert (done.blobs, done.left, done.removed) == (2, 0, 0)
    assert 9 * CHUNK < done.octets < len(LARGE)
    assert (await counted(store, "blob_chunk"), await counted(store, "blob_object")) == (0, 2)
    for uid, message in enumerate(messages, start=1):
        assert await octets_of(store, inbox, uid) == message.header + bytes(message.content)  # type: ignore[arg-type]
    assert await move(store) == Moved()


@pytest.mark.parametrize("size", [CHUNK + 1, 3 * CHUNK, 10 * CHUNK + 7])
async def test_every_range_is_exact(store: Store, size: int) -> None:
    content = random.Random(size).randbytes(size)
    inbox = await new_inbox(store)
    message = prepared(content)
    await store.committer.append(inbox, [NewMessage(message, at(0))])
    await move(store)
    whole = message.header + content
    body = await store.messages.body((await store.messages.snapshot(inbox)).message_ids[0])
    kept = len(message.header)
    for start in (0, kept + CHUNK - 1, kept + CHUNK, kept + 2 * CHUNK - 1, len(whole) // 2, len(whole) - 1):
        for length in (1, 100, CHUNK + 1, None):
            stop = None if length is None else start + length
            assert await body.read(start, length) == whole[start:stop]


async def test_many_whole_messages_come_in_order(store: Store) -> None:
    inbox = await new_inbox(store)
    messages = [prepared(os.urandom(size)) for size in (5, 2 * CHUNK, 9, 3 * CHUNK + 5, CHUNK * 9)]
    await store.committer.append(inbox, [NewMessage(message, at(0)) for message in messages])
    await move(store)
    ids = list((await store.messages.snapshot(inbox)).message_ids)
    found = [octets async for _, octets in store.messages.bodies(ids)]
    assert found == [message.header + bytes(message.content) for message in messages]  # type: ignore[arg-type]


async def test_a_range_asks_for_the_frames_that_it_touches(
    store_settings: StoreSettings, objects: ObjectSettings
) -> None:
    async with wire(objects) as between, open_test_store(store_settings, between.settings) as store:
        inbox, _ = await large(store)
        between.requests = 0
        body = await store.messages.body((await store.messages.snapshot(inbox)).message_ids[0])
        await body.read(0, CHUNK // 2)
        assert between.requests == 0
        await body.read(5 * CHUNK, 100)
        await body.read(5 * CHUNK + 1000, 100)  # remembered
        assert between.requests == 1
        assert (await body.read()).endswith(LARGE)
        assert between.requests == 3


async def test_what_came_lately_stays(store_settings: StoreSettings, objects: ObjectSettings) -> None:
    async with open_test_store(store_settings, replace(objects, after_days=30)) as store:
        await new_user(store)
        await deliver(store, "alice", message=prepared(LARGE))
        assert await store.objects.move(in_a_hurry=True) == Moved()
        assert (await store.objects.usage()).due == 0
        assert (await move(store)).blobs == 1


async def test_queued_mail_is_sent_from_there(store: Store) -> None:
    await new_user(store)
    await enqueue(store, outbound("q1", "x@far.test"), prepared(LARGE))
    assert (await move(store)).blobs == 1
    _, body = await store.queue.message("q1")
    assert (await body.read()).endswith(LARGE)


async def test_the_same_content_again_is_removed_from_the_database_again(store: Store) -> None:
    inbox, uid = await large(store)
    (key,) = await keys(store, "blob_object")
    (again,) = await deliver(store, "alice", message=prepared(LARGE))
    assert await counted(store, "blob_chunk") == 10
    assert (await move(store)).blobs == 1
    assert await counted(store, "blob_chunk") == 0
    assert await keys(store, "blob_object") == [key]
    assert await counted(store, "object_leaving") == 0
    for one in (uid, again.uid):
        assert (await octets_of(store, inbox, one)).endswith(LARGE)


async def test_everything_comes_back(store: Store, objects: ObjectSettings) -> None:
    inbox, uid = await large(store)
    assert (await store.objects.bring_back()).blobs == 1
    assert (await counted(store, "blob_chunk"), await counted(store, "blob_object")) == (10, 0)
    assert (await octets_of(store, inbox, uid)).endswith(LARGE)
    (key,) = await keys(store, "object_leaving")
    assert await leave_now(store, objects) == 1
    with pytest.raises(ObjectMissing):
        await Bucket(objects).get(key, 0, 1)


async def test_usage(store: Store) -> None:
    await new_user(store)
    for content in (LARGE, os.urandom(2 * CHUNK), b"small"):
        await deliver(store, "alice", message=prepared(content))
    await age(store)
    usage = await store.objects.usage()
    assert (usage.in_database, usage.due, usage.in_objects, usage.octets, usage.leaving) == (2, 2, 0, 0, 0)
    await store.objects.move(in_a_hurry=True)
    usage = await store.objects.usage()
    assert (usage.in_database, usage.due, usage.in_objects, usage.leaving) == (0, 0, 2, 0)
    assert usage.octets > 10 * CHUNK


async def test_one_process_at_a_time(store: Store) -> None:
    async with store.locks.hold(LOCK):
        with pytest.raises(InUse):
            await store.objects.move()


async def test_a_host_that_is_told_not_to_move_reads_and_removes(
    store_settings: StoreSettings, objects: ObjectSettings
) -> None:
    async with open_test_store(store_settings, replace(objects, move=False)) as store:
        inbox, uid = await large(store)
        await deliver(store, "alice", message=prepared(os.urandom(2 * CHUNK)))
        await age(store)
        assert await store.objects.tend() == Moved()
        assert (await octets_of(store, inbox, uid)).endswith(LARGE)
    async with open_test_store(store_settings, objects) as store:
        assert (await store.objects.tend()).blobs == 1


# --- what nothing refers to -------------------------------------------------------------------------


async def test_objects_of_content_that_was_collected_leave_a_day_later(
    store: Store, objects: ObjectSettings
) -> None:
    inbox, _ = await large(store)
    (key,) = await keys(store, "blob_object")
    await store.committer.expunge(inbox, None, only_deleted=False)
    await age(store)
    assert (await store.collector.collect(grace=NOW, in_a_hurry=True)).blobs == 1
    assert await counted(store, "blob_object") == 0
    assert await keys(store, "object_leaving") == [key]
    assert (await store.objects.tend()).removed == 0
    assert await Bucket(objects).get(key, 0, 1)
    assert await leave_now(store, objects) == 1
    assert await counted(store, "object_leaving") == 0
    with pytest.raises(ObjectMissing):
        await Bucket(objects).get(key, 0, 1)


async def test_content_that_is_collected_and_comes_again_has_another_object(
    store: Store, objects: ObjectSettings
) -> None:
    inbox, _ = await large(store)
    before = await keys(store, "blob_object")
    await store.committer.expunge(inbox, None, only_deleted=False)
    await age(store)
    await store.collector.collect(grace=NOW, in_a_hurry=True)
    (again,) = await deliver(store, "alice", message=prepared(LARGE))
    assert (await move(store)).blobs == 1
    assert await keys(store, "blob_object") != before
    assert await leave_now(store, objects) == 1
    assert (await octets_of(store, inbox, again.uid)).endswith(LARGE)


async def test_a_key_that_was_given_up_is_referred_to_by_nobody(
    store: Store, objects: ObjectSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mover that slept for a day between its upload and its commit."""
    inbox = await new_inbox(store)
    (delivered,) = await deliver(store, "alice", message=prepared(LARGE))
    refer = moving._refer

    async def late(*given: object) -> int | None:
        assert await leave_now(store, objects) == 1
        return await refer(*given)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(moving, "_refer", late)
        assert (await move(store)).left == 1
    assert (await counted(store, "blob_chunk"), await counted(store, "blob_object")) == (10, 0)
    assert (await octets_of(store, inbox, delivered.uid)).endswith(LARGE)
    assert (await move(store)).blobs == 1


# --- when something is wrong ------------------------------------------------------------------------


async def test_while_the_object_store_is_away_small_mail_goes_on(
    store_settings: StoreSettings, objects: ObjectSettings
) -> None:
    async with (
        wire(replace(objects, timeout_seconds=0.5)) as between,
        open_test_store(store_settings, between.settings) as store,
    ):
        inbox, uid = await large(store)
        for outage in (between.cut, lambda: _silence(between)):
            await outage()
            with pytest.raises(StoreUnavailable, match="object store"):
                await octets_of(store, inbox, uid)
            body = await store.messages.body((await store.messages.snapshot(inbox)).message_ids[0])
            with pytest.raises(StoreUnavailable):
                await body.reach()
            await body.reach(0, 100)
            assert len(await body.read(0, CHUNK)) == CHUNK
            (delivered,) = await deliver(store, "alice", message=prepared(b"small"))
            assert (await octets_of(store, inbox, delivered.uid)).endswith(b"small")
            await between.cut()
            between.silent = False
            await between.join()
            await body.reach()
            assert (await octets_of(store, inbox, uid)).endswith(LARGE)
            store.messages._contents._frames.clear()  # type: ignore[attr-defined]


async def _silence(between: object) -> None:
    between.silent = True  # type: ignore[attr-defined]


async def test_an_object_store_that_goes_away_while_content_is_moved(
    store_settings: StoreSettings, objects: ObjectSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        wire(replace(objects, timeout_seconds=0.5)) as between,
        open_test_store(store_settings, between.settings) as store,
    ):
        inbox = await new_inbox(store)
        contents = [os.urandom(2 * CHUNK) for _ in range(4)]
        for content in contents:
            await deliver(store, "alice", message=prepared(content))
        put, puts = Bucket.put, 0

        async def put_until_cut(bucket: Bucket, key: str, octets: bytes) -> None:
            nonlocal puts
            await put(bucket, key, octets)
            puts += 1
            if puts == 3:
                await between.cut()

        with monkeypatch.context() as patched:
            patched.setattr(Bucket, "put", put_until_cut)
            with pytest.raises(StoreUnavailable):
                await move(store)
        assert (await counted(store, "blob_object"), await counted(store, "blob_chunk")) == (2, 2)
        assert await counted(store, "object_leaving") == 2
        await between.join()
        assert (await move(store)).blobs == 2
        for uid, content in enumerate(contents, start=1):
            assert (await octets_of(store, inbox, uid)).endswith(content)
        assert await leave_now(store, between.settings) == 2


async def test_one_content_that_cannot_be_moved_does_not_keep_the_others(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await new_user(store)
    contents = [os.urandom(2 * CHUNK) for _ in range(5)]
    for content in contents:
        await deliver(store, "alice", message=prepared(content))
    put, refused = Bucket.put, sorted(hashlib.sha256(content).hexdigest() for content in contents)[1]

    async def put_most(bucket: Bucket, key: str, octets: bytes) -> None:
        if refused in key:
            raise StoreUnavailable("It does not take this one.")
        await put(bucket, key, octets)

    with monkeypatch.context() as patched:
        patched.setattr(Bucket, "put", put_most)
        done = await move(store)
    assert (done.blobs, done.left) == (4, 1)
    assert (await move(store)).blobs == 1


async def test_many_windows(store: Store, objects: ObjectSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving, "WINDOW", 2)
    monkeypatch.setattr(leaving, "WINDOW", 2)
    await new_user(store)
    for _ in range(7):
        await deliver(store, "alice", message=prepared(os.urandom(CHUNK + 1)))
    assert (await move(store)).blobs == 7
    assert (await store.objects.bring_back()).blobs == 7
    assert await leave_now(store, objects) == 7


async def test_damage_is_told_and_mended_by_the_same_content(store: Store, objects: ObjectSettings) -> None:
    inbox, uid = await large(store)
    (key,) = await keys(store, "blob_object")
    bucket = Bucket(objects)
    row = await database_of(store).read(lambda c: c.one(Query("SELECT size FROM blob_object")))
    assert row is not None
    whole = await bucket.get(key, 0, row[0])
    middle = len(whole) // 2
    damaged = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    for harm in (damaged, whole[:-1], b"x", None):
        await (bucket.delete(key) if harm is None else bucket.put(key, harm))
        with pytest.raises(StoreCorrupt):
            await octets_of(store, inbox, uid)
        with pytest.raises(StoreCorrupt):
            await store.objects.bring_back()
        store.messages._contents._frames.clear()  # type: ignore[attr-defined]
    await deliver(store, "alice", message=prepared(LARGE))
    assert (await octets_of(store, inbox, uid)).endswith(LARGE)
    assert (await move(store)).blobs == 1
    assert await keys(store, "blob_object") != [key]
    assert await keys(store, "object_leaving") == [key]
    assert (await octets_of(store, inbox, uid)).endswith(LARGE)


async def test_content_that_is_damaged_in_the_database_stays_there(store: Store) -> None:
    await new_user(store)
    await deliver(store, "alice", message=prepared(LARGE))
    harm = Query("UPDATE blob_chunk SET chunk = (SELECT chunk FROM blob) WHERE number = 2")
    await database_of(store).write(lambda transaction: transaction.run(harm))
    assert await move(store) == Moved(left=1)
    assert await counted(store, "object_leaving") == 0


async def test_nothing_is_taken_for_kept_that_reads_otherwise(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = await new_inbox(store)
    (delivered,) = await deliver(store, "alice", message=prepared(LARGE))
    put = Bucket.put

    async def garble(bucket: Bucket, key: str, octets: bytes) -> None:
        await put(bucket, key, octets[:-1] + bytes([octets[-1] ^ 1]))

    with monkeypatch.context() as patched:
        patched.setattr(Bucket, "put", garble)
        with pytest.raises(StoreUnavailable, match="other octets"):
            await move(store)
    assert (await counted(store, "blob_chunk"), await counted(store, "blob_object")) == (10, 0)
    assert (await octets_of(store, inbox, delivered.uid)).endswith(LARGE)


async def test_signatures_are_checked(store_settings: StoreSettings, objects: ObjectSettings) -> None:
    async with open_test_store(store_settings, objects) as store:
        await store.objects.probe()
        inbox, uid = await large(store)
    async with open_test_store(store_settings, replace(objects, secret_key="another")) as store:
        with pytest.raises(StoreUnavailable):
            await store.objects.probe()
        with pytest.raises(StoreUnavailable):
            await octets_of(store, inbox, uid)


async def test_the_environment_does_not_change_who_asks(
    sqlite_settings: StoreSettings, objects: ObjectSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "AWS_SESSION_TOKEN": "another's",
        "AWS_ACCESS_KEY_ID": "another",
        "AWS_SKIP_SIGNATURE": "true",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_BUCKET": "another",
    }.items():
        monkeypatch.setenv(name, value)
    async with open_test_store(sqlite_settings, objects) as store:
        await store.objects.probe()


async def test_certificates_are_checked(
    sqlite_settings: StoreSettings, objects: ObjectSettings, tmp_path: Path
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    async with wire(objects, context) as between:
        for settings, trusts in (
            (replace(between.settings, ca_file=str(tmp_path / "ca.pem")), True),
            (between.settings, False),
        ):
            async with open_test_store(sqlite_settings, settings) as store:
                if trusts:
                    await store.objects.probe()
                else:
                    with pytest.raises(StoreUnavailable):
                        await store.objects.probe()


async def test_a_process_that_does_not_know_the_object_store_says_so(
    store_settings: StoreSettings, store: Store
) -> None:
    inbox, uid = await large(store)
    async with open_test_store(store_settings) as other:
        with pytest.raises(StoreUnavailable, match="not known here"):
            await octets_of(other, inbox, uid)
        assert await other.objects.tend() == Moved()
        for asked in (other.objects.move, other.objects.bring_back, other.objects.probe):
            with pytest.raises(SettingsError, match=r"\[objects\] bucket"):
                await asked()


async def test_a_file_of_certificates_that_is_none(
    sqlite_settings: StoreSettings, objects: ObjectSettings, tmp_path: Path
) -> None:
    for ca_file in (tmp_path / "absent", Path(__file__)):
        with pytest.raises(SettingsError, match="ca_file"):
            await open_store(sqlite_settings, replace(objects, ca_file=str(ca_file)))


# --- versions ---------------------------------------------------------------------------------------


async def test_hosts_that_could_not_read_it_do_not_start_from_the_first_move_on(
    store_settings: StoreSettings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await new_user(store)
    await deliver(store, "alice", message=prepared(LARGE))
    older = f"{int(moving.SINCE) - 1:04d}"
    with monkeypatch.context() as patched:
        patched.setattr(migrating, "HEAD", older)
        await migrate(store_settings)
    await move(store)
    with monkeypatch.context() as patched:
        patched.setattr(migrating, "HEAD", older)
        with pytest.raises(SettingsError, match="newer"):
            await migrate(store_settings)
    monkeypatch.setattr(migrating, "HEAD", moving.SINCE)
    await migrate(store_settings)


# --- beside deliveries of the same ------------------------------------------------------------------


async def test_no_delivery_loses_its_octets_to_the_mover(
    store_settings: StoreSettings, store: Store, objects: ObjectSettings
) -> None:
    """Two processes store the same few contents and remove them, while a third moves what it finds, brings it
    back, and collects; all of it is old at once, as if nobody had touched it for days."""
    contents = [LARGE[: 2 * CHUNK], LARGE[: 3 * CHUNK + 5], b"small"]
    inbox = await inbox_of(store, await new_user(store))
    enough = asyncio.Event()
    done = Moved()

    async def write(writer: Store, pause: float) -> None:
        while True:
            last = enough.is_set()
            new = [NewMessage(prepared(content), at(0)) for content in contents]
            appended = await writer.committer.append(inbox, new)
            for uid, content in zip(appended.uids, contents, strict=True):
                assert (await octets_of(writer, inbox, uid)).endswith(content)
            if last:
                return
            await writer.committer.expunge(inbox, UidSet.of(appended.uids), only_deleted=False)
            await asyncio.sleep(pause)

    async def tend() -> None:
        nonlocal done
        moved = 0
        while moved < 12:
            moved += (await move(store)).blobs
            await age(store)
            await store.collector.collect(grace=NOW, in_a_hurry=True)
            await leave_now(store, objects)
            if moved % 3 == 0:
                await store.objects.bring_back()
        enough.set()

    async with open_test_store(store_settings, objects) as other, asyncio.timeout(120):
        await asyncio.gather(tend(), write(store, 0.011), write(other, 0.017))
    await move(store)
    snapshot = await store.messages.snapshot(inbox)
    await store.messages.refresh(snapshot)
    assert len(snapshot.uids) == 6
    for uid, content in zip(snapshot.uids, contents + contents, strict=True):
        assert (await octets_of(store, inbox, uid)).endswith(content)
    assert await counted(store, "blob_chunk") == 0
