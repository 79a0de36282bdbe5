"""A backup holds everything, restoring gives the same store on either database, and a check finds faults."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.conftest import BACKENDS
from tests.storage.making import append, at, deliver, inbox_of, new_inbox, new_user, octets_of, prepared
from tests.support.postgres import PostgresCluster

from mailkeep.errors import SettingsError
from mailkeep.model.flags import FlagAction, Flags
from mailkeep.model.uids import UidSet
from mailkeep.settings import StoreSettings
from mailkeep.storage import archive, open_store
from mailkeep.storage.archive import NotABackup, Summary
from mailkeep.storage.checking import Fault, Seen, check
from mailkeep.storage.database import Database
from mailkeep.storage.interface import AuditRecord, Store
from mailkeep.storage.opening import opened_database
from mailkeep.storage.query import Query
from mailkeep.storage.tables import metadata

# Counts commits of the one database and says nothing of the mail.
_OWN = {"feed_counter"}


def silent(_table: str, _rows: int) -> None:
    """No progress."""


@pytest.fixture
async def database(store_settings: StoreSettings) -> AsyncIterator[Database]:
    """The tables below the store that the test fills."""
    async with opened_database(store_settings) as opened:
        yield opened


@pytest.fixture(params=BACKENDS)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> StoreSettings:
    """Another store, with nothing in it."""
    if request.param == "sqlite":
        return StoreSettings(data_dir=str(tmp_path / "other"))
    cluster: PostgresCluster = request.getfixturevalue("postgres_cluster")
    return StoreSettings(data_dir=str(tmp_path / "other"), database=cluster.url(cluster.create_database()))


async def fill(store: Store) -> None:
    """Something of most kinds: large and small, flagged, expunged, claimed and not, with gaps in the ids."""
    alice = await new_user(store)
    inbox = await inbox_of(store, alice)
    await deliver(store, "alice", "bob", message=prepared(b"same body"))
    await deliver(store, "carol", message=prepared(b"same body"))
    await append(store, inbox, 5, Flags.parse(["\\Seen", "$Label", "ä".encode().hex()]))
    await deliver(store, "alice", message=prepared(bytes(range(256)) * 3000))
    uids = await append(store, inbox, 3)
    await store.committer.store_flags(inbox, UidSet.of(uids[-1:]), FlagAction.ADD, Flags.parse(["\\Deleted"]))
    await store.committer.expunge(inbox, None)
    await store.mailboxes.create(alice.account_id, "Entwürfe/2026")
    await store.audit.add([AuditRecord(at(1), "imap", "PLAIN", "nul \x00", "192.0.2.1", "failure", "wrong")])


async def everything(database: Database) -> dict[str, list[list[object]]]:
    """All rows of all tables, with UUIDs and truths in one form."""
    found: dict[str, list[list[object]]] = {}
    for table in metadata.sorted_tables:
        if table.name in _OWN:
            continue
        keys = ", ".join(f'"{column.name}"' for column in table.primary_key.columns)
        names = ", ".join(f'"{column.name}"' for column in table.columns)
        query = Query(f'SELECT {names} FROM "{table.name}" ORDER BY {keys}')
        rows = await database.read(lambda connection, query=query: connection.all(query))
        found[table.name] = sorted(([getattr(v, "bytes", v) for v in row] for row in rows), key=repr)
    return found


async def faults(database: Database) -> list[Fault]:
    return [fault async for fault in check(database, Seen())]


async def test_what_is_restored_is_the_same_store(
    store: Store, database: Database, empty: StoreSettings, tmp_path: Path
) -> None:
    await fill(store)
    path = tmp_path / "backup"
    written = await archive.write(database, path, silent)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert archive.inspect(path) == written
    assert written.rows["message"] == 11
    async with opened_database(empty) as other:
        restored = await archive.restore(other, path, silent)
        assert restored == written
        before, after = await everything(database), await everything(other)
        for name, rows in before.items():
            assert after[name] == rows, name
        assert await faults(other) == []


async def test_a_restored_store_goes_on_where_the_other_stopped(
    store: Store, database: Database, empty: StoreSettings, tmp_path: Path
) -> None:
    inbox = await new_inbox(store)
    uids = await append(store, inbox, 3)
    gone = await deliver(store, "alice")
    await store.committer.store_flags(
        inbox, UidSet.of([gone[0].uid]), FlagAction.ADD, Flags.parse(["\\Deleted"])
    )
    await store.committer.expunge(inbox, None)
    await archive.write(database, tmp_path / "backup", silent)
    async with opened_database(empty) as other:
        await archive.restore(other, tmp_path / "backup", silent)
    opened = await open_store(empty)
    try:
        (again,) = await deliver(opened, "alice")
        assert again.uid == gone[0].uid + 1
        assert (await octets_of(opened, inbox, uids[0])) == await octets_of(store, inbox, uids[0])
        created = await opened.mailboxes.create(again.account_id, "new")
        assert created.id > inbox
    finally:
        await opened.close()


async def test_nothing_is_merged(store: Store, database: Database, tmp_path: Path) -> None:
    await fill(store)
    await archive.write(database, tmp_path / "backup", silent)
    before = await everything(database)
    with pytest.raises(SettingsError, match="in use"):
        await archive.restore(database, tmp_path / "backup", silent)
    assert await everything(database) == before


async def test_what_is_not_a_whole_backup_changes_nothing(
    store: Store, database: Database, empty: StoreSettings, tmp_path: Path
) -> None:
    await fill(store)
    whole = tmp_path / "backup"
    await archive.write(database, whole, silent)
    octets = whole.read_bytes()
    flipped = bytearray(octets)
    flipped[len(octets) // 2] ^= 0xFF
    broken = {
        "cut": octets[: len(octets) // 2],
        "flipped": bytes(flipped),
        "end": octets[:-12],
        "text": b"hello",
    }
    async with opened_database(empty) as other:
        before = await everything(other)
        for name, content in broken.items():
            path = tmp_path / name
            path.write_bytes(content)
            with pytest.raises(NotABackup):
                archive.inspect(path)
            with pytest.raises(NotABackup):
                await archive.restore(other, path, silent)
        assert await everything(other) == before


async def test_a_backup_of_another_version_is_refused(
    store: Store, database: Database, empty: StoreSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await new_user(store)
    with monkeypatch.context() as older:
        older.setattr(archive, "HEAD", "0000")
        summary: Summary = await archive.write(database, tmp_path / "backup", silent)
    assert summary.version == "0000"
    async with opened_database(empty) as other:
        with pytest.raises(SettingsError, match="at 0000"):
            await archive.restore(other, tmp_path / "backup", silent)


async def test_a_backup_that_fails_leaves_the_last_one(
    store: Store, database: Database, tmp_path: Path
) -> None:
    await fill(store)
    path = tmp_path / "backup"
    path.write_text("the last one")

    def fail(table: str, _rows: int) -> None:
        if table == "message":
            raise OSError("disk full")

    with pytest.raises(Exception, match=r"disk full|does not answer"):
        await archive.write(database, path, fail)
    assert path.read_text() == "the last one"
    assert not (tmp_path / ".backup.unfinished").exists()


# --- the check ------------------------------------------------------------------------------------


async def test_a_store_in_use_is_well(store: Store, database: Database) -> None:
    await fill(store)
    seen = Seen()
    assert [fault async for fault in check(database, seen)] == []
    assert (seen.messages, seen.mailboxes > 3, seen.entries) == (11, True, 11)
    assert seen.octets > 256 * 3000


@pytest.mark.parametrize(
    ("harm", "kinds"),
    [
        ("UPDATE blob SET chunk = (SELECT b.chunk FROM blob b WHERE b.size > 99999)", {"digest"}),
        ("UPDATE blob SET size = size + 1 WHERE size < 1000", {"digest", "size"}),
        ("DELETE FROM blob_chunk WHERE number = 1", {"chunk"}),
        ("UPDATE mailbox SET uidnext = 2 WHERE messages > 2", {"uid"}),
        ("UPDATE mailbox SET messages = messages + 1", {"counter"}),
        ("UPDATE mailbox SET unseen = 99, deleted = 98", {"counter"}),
        ("UPDATE mailbox SET highestmodseq = 0 WHERE messages > 2", {"modseq"}),
        ("UPDATE entry SET size = size + 1", {"size", "counter"}),
        ("UPDATE message SET size = size + 1", {"size"}),
    ],
)
async def test_harm_is_found_and_named(store: Store, database: Database, harm: str, kinds: set[str]) -> None:
    await fill(store)
    await database.write(lambda transaction: transaction.run(Query(harm)))
    found = await faults(database)
    assert {fault.kind for fault in found} == kinds
    assert all(fault.sentence.endswith(".") for fault in found)
