"""A cold load by way of a saved snapshot equals one that reads entries, whatever happened or went wrong."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule
from tests.conftest import open_test_store
from tests.storage.making import address, append, deliver, new_inbox, new_user
from tests.storage.test_against_model import ModelBox, StoreMachine, boxes, run_machine

from mailkeep.model.flags import NO_FLAGS, FlagAction, Flags
from mailkeep.model.uids import UidSet
from mailkeep.settings import StoreSettings
from mailkeep.storage import archive, packed_snapshot, saved_snapshots
from mailkeep.storage.interface import Store
from mailkeep.storage.packed_snapshot import Copied
from mailkeep.storage.query import Query
from mailkeep.storage.snapshot import NOTHING_SAVED, Snapshot
from mailkeep.storage.snapshots import Snapshots

SEEN = Flags.parse(["\\Seen", "$Junk"])
ROWS = Query("SELECT mailbox_id, made_at, version, uidvalidity, modseq, packed FROM saved_snapshot")
PRUNE = Query("DELETE FROM change WHERE mailbox_id = :id AND modseq <= :through")


@pytest.fixture(autouse=True)
def _small_mailboxes_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done with thousands of messages is done with these, and soon."""
    monkeypatch.setattr("mailkeep.storage.saved_snapshots.FEWEST", 1)
    monkeypatch.setattr("mailkeep.storage.saved_snapshots.REPLAYED", 10_000)
    monkeypatch.setattr("mailkeep.storage.saved_snapshots.ENTRIES_A_ROW", 0)
    monkeypatch.setattr("mailkeep.storage.snapshot_saver.REST_SECONDS", (0.0, 0.0))
    monkeypatch.setattr("mailkeep.storage.entry_pages.PAGE", 3)
    monkeypatch.setattr("mailkeep.storage.change_log.APPENDED_LIMIT", 4)
    monkeypatch.setattr("mailkeep.storage.operations.copying.APPENDED_LIMIT", 4)


def registry(store: Store) -> Snapshots:
    """Another process's, which has loaded nothing yet."""
    opened: Any = store
    return Snapshots(opened.messages._database, opened.feed)


def state(snapshot: Snapshot) -> tuple[Any, ...]:
    """All that can be learned from it."""
    at = snapshot.highestmodseq
    told = snapshot.changes_since(at), snapshot.changes_since(at - 1)
    entries = [snapshot.entry_at(place) for place in range(len(snapshot))]
    return snapshot.mailbox_id, snapshot.uidvalidity, snapshot.uidnext, at, told, entries


async def loaded(store: Store, mailbox_id: int) -> tuple[Snapshot, bool]:
    """A cold load, which equals one by entries; and whether it came from what is saved."""
    process = registry(store)
    snapshot, _ = await process._load(mailbox_id)
    assert state(snapshot) == state(await process._load_entries(mailbox_id))
    return snapshot, snapshot.unsaved < NOTHING_SAVED


async def save(store: Store, mailbox_id: int, snapshot: Snapshot | None = None) -> bool:
    """Save this snapshot, or one that is read now, in place of what is saved."""
    process = registry(store)
    copied = Copied.of(await process._load_entries(mailbox_id) if snapshot is None else snapshot)
    packed = packed_snapshot.pack(copied)
    assert packed is not None
    former = [row[1] for row in await rows(store) if row[0] == mailbox_id]
    return await saved_snapshots.write(process._database, copied, packed, former[0] if former else None)


async def rows(store: Store) -> list[list[Any]]:
    found = await store.messages._database.read(lambda c: c.all(ROWS))  # type: ignore[attr-defined]
    return [list(row) for row in found]


async def run(store: Store, query: Query | str, **given: Any) -> None:
    statement = Query(query) if isinstance(query, str) else query
    await store.messages._database.write(lambda t: t.run(statement, **given))  # type: ignore[attr-defined]


# --- any sequence of writes -----------------------------------------------------------------------


class SavedMachine(StoreMachine):
    """Besides the model's rules: saving at any time, what makes saved ones useless, and whole mailboxes."""

    ways: ClassVar[set[bool]]

    @rule(box=boxes, held=st.booleans())
    def save(self, box: str, held: bool) -> None:
        self.do(save(self.store, self.ids[box], self.held[box] if held else None))

    @rule(box=boxes, back=st.integers(0, 3))
    def prune(self, box: str, back: int) -> None:
        self.do(run(self.store, PRUNE, id=self.ids[box], through=self.held[box].highestmodseq - back))

    @rule()
    def rename(self) -> None:
        for names in (("Archive", "Other/Place"), ("Other/Place", "Archive")):
            self.do(self.store.mailboxes.rename(self.account_id, *names))

    @rule()
    def delete(self) -> None:
        self.do(self.store.mailboxes.delete(self.account_id, "Archive"))
        self.ids["Archive"] = self.do(self.store.mailboxes.create(self.account_id, "Archive")).id
        self.model["Archive"] = ModelBox()
        self.held["Archive"] = self.do(self.store.messages.snapshot(self.ids["Archive"]))
        assert {row[0] for row in self.do(rows(self.store))} <= set(self.ids.values())

    @precondition(lambda self: self.model["INBOX"].entries)
    @rule()
    def rename_inbox(self) -> None:
        self.count += 1
        self.do(self.store.mailboxes.rename(self.account_id, "INBOX", f"Kept {self.count}"))
        self.model["INBOX"].entries.clear()

    @rule(waiting=st.integers(1, 6))
    def claim(self, waiting: int) -> None:
        self.count += 1
        name = f"waiting{self.count}"
        for minutes in range(waiting):
            self.do(deliver(self.store, name, minutes=minutes))
        user = self.do(self.store.directory.user_by_address(address("alice")))
        self.do(self.store.directory.add_address(user.id, address(name)))
        for _ in range(waiting):
            self.count += 1
            self.model["INBOX"].add(self.count, NO_FLAGS)

    @invariant()
    def cold_loads_are_equal(self) -> None:
        for id in getattr(self, "ids", {}).values():
            _, by_saved = self.do(loaded(self.store, id))
            type(self).ways.add(by_saved)


def run_saved(fresh: Any, examples: int, steps: int) -> None:
    SavedMachine.ways = set()
    run_machine(fresh, examples, steps, SavedMachine)
    assert SavedMachine.ways == {True, False}


def test_any_sequence_of_writes_on_sqlite(sqlite_template: Path) -> None:
    with tempfile.TemporaryDirectory() as directory:

        def fresh() -> StoreSettings:
            data_dir = tempfile.mkdtemp(dir=directory)
            shutil.copytree(sqlite_template, data_dir, dirs_exist_ok=True)
            return StoreSettings(data_dir=data_dir)

        run_saved(fresh, examples=20, steps=25)


@pytest.mark.usefixtures("postgres_template")
def test_any_sequence_of_writes_on_postgres(
    postgres_cluster: Any, postgres_template: str, tmp_path: Path
) -> None:
    def fresh() -> StoreSettings:
        name = postgres_cluster.create_database(postgres_template)
        return StoreSettings(data_dir=str(tmp_path), database=postgres_cluster.url(name), pool_size=2)

    run_saved(fresh, examples=8, steps=20)


# --- what is of no use ----------------------------------------------------------------------------


async def changed(store: Store) -> int:
    """A mailbox that was saved and has changed in every way since."""
    inbox = await new_inbox(store)
    await append(store, inbox, 3, SEEN)
    await save(store, inbox)
    await append(store, inbox, 4)
    await store.committer.store_flags(inbox, UidSet.parse("2,4:5"), FlagAction.ADD, Flags.parse(["later"]))
    await store.committer.expunge(inbox, UidSet.of([1, 6]), only_deleted=False)
    return inbox


@asynccontextmanager
async def tampered(store: Store, inbox: int) -> AsyncIterator[list[Any]]:
    """The saved snapshot's row, which is written back as the caller leaves it."""
    (row,) = await rows(store)
    yield row
    statement = (
        "UPDATE saved_snapshot SET made_at = :made_at, version = :version, uidvalidity = :uidvalidity,"
        " modseq = :modseq, packed = :packed WHERE mailbox_id = :id"
    )
    names = ("made_at", "version", "uidvalidity", "modseq", "packed")
    await run(store, statement, id=inbox, **dict(zip(names, row[1:], strict=True)))


async def test_a_saved_snapshot_and_the_log_make_the_mailbox(store: Store) -> None:
    snapshot, by_saved = await loaded(store, await changed(store))
    assert by_saved
    assert list(snapshot.uids) == [2, 3, 4, 5, 7]
    assert snapshot.flags_at(0) == Flags.parse(["\\Seen", "$Junk", "later"])


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (2, "0 little"),
        (2, ""),
        (3, 1),
        (4, 0),
        (4, 1),
        (4, 3),
        (4, 1 << 40),
        (5, b""),
        (5, b"\x28\xb5\x2f\xfd"),
    ],
)
async def test_one_that_is_of_something_else_is_not_believed(store: Store, place: int, value: Any) -> None:
    inbox = await changed(store)
    async with tampered(store, inbox) as row:
        assert row[place] != value
        row[place] = value
    assert not (await loaded(store, inbox))[1]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_one_that_is_damaged_is_not_believed(
    store: Store, runner: asyncio.Runner, data: st.DataObject
) -> None:
    async def damage() -> None:
        if not await rows(store):
            await changed(store)
        ((inbox, *_),) = whole = await rows(store)
        packed = whole[0][5]
        at = data.draw(st.integers(0, len(packed) - 1))
        flipped = bytearray(packed)
        flipped[at] ^= 1 << data.draw(st.integers(0, 7))
        for octets in (bytes(flipped), packed[:at], packed + b"x"):
            async with tampered(store, inbox) as row:
                row[5] = octets
            await loaded(store, inbox)
        async with tampered(store, inbox) as row:
            row[5] = packed

    runner.run(damage())


async def test_one_that_disagrees_with_the_counters_is_not_believed(store: Store) -> None:
    inbox = await new_inbox(store)
    await append(store, inbox, 3)
    lacks_one, seen = [await registry(store)._load_entries(inbox) for _ in range(2)]
    lacks_one.remove(UidSet.of([2]))
    seen.set_flags(1, SEEN, 1)
    for wrong in (lacks_one, seen):
        assert await save(store, inbox, wrong)
        assert not (await loaded(store, inbox))[1]


@pytest.mark.parametrize("harm", ["appended = :octets", "flagged = :octets", "expunged = 'x'"])
async def test_a_log_that_cannot_be_read_is_not_replayed(store: Store, harm: str) -> None:
    inbox = await changed(store)
    given = {"octets": b"\xc1"} if ":octets" in harm else {}
    await run(store, f"UPDATE change SET {harm} WHERE modseq = 4", **given)
    assert not (await loaded(store, inbox))[1]


async def test_a_log_that_takes_longer_than_entries_is_not_replayed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = await changed(store)
    monkeypatch.setattr(saved_snapshots, "REPLAYED", 1)
    assert not (await loaded(store, inbox))[1]
    monkeypatch.setattr(saved_snapshots, "REPLAYED", 10_000)
    monkeypatch.setattr(saved_snapshots, "ENTRIES_A_ROW", 3)
    assert not (await loaded(store, inbox))[1]
    monkeypatch.setattr(saved_snapshots, "ENTRIES_A_ROW", 1)
    assert (await loaded(store, inbox))[1]


@pytest.mark.parametrize(("bound", "value"), [("FEWEST", 6), ("MOST", 4)])
async def test_only_mailboxes_of_some_size_have_one(
    store: Store, monkeypatch: pytest.MonkeyPatch, bound: str, value: int
) -> None:
    inbox = await changed(store)  # with five messages
    monkeypatch.setattr(saved_snapshots, bound, value)
    assert not (await loaded(store, inbox))[1]


async def test_of_two_that_save_the_second_changes_nothing(store: Store) -> None:
    inbox = await new_inbox(store)
    await append(store, inbox)
    process = registry(store)
    copied = Copied.of(await process._load_entries(inbox))
    packed = packed_snapshot.pack(copied) or b""
    for former in (None, 12345):
        before = await rows(store)
        assert await saved_snapshots.write(process._database, copied, packed, former) is (before == [])
        assert before in ([], await rows(store))


# --- with its mailbox -----------------------------------------------------------------------------


async def test_it_goes_with_its_mailbox(store: Store) -> None:
    user = await new_user(store)
    archive_id = (await store.mailboxes.create(user.account_id, "a/b")).id
    above = (await store.mailboxes.get(user.account_id, "a")).id
    for mailbox_id in (archive_id, above):
        await append(store, mailbox_id)
        assert await save(store, mailbox_id)
    await store.mailboxes.delete(user.account_id, "a")  # the name stays
    assert [row[0] for row in await rows(store)] == [archive_id]
    await store.mailboxes.delete(user.account_id, "a/b")
    assert await rows(store) == []


async def test_it_goes_with_an_address_that_comes_to_another_account(store: Store) -> None:
    user = await new_user(store)
    (waiting,) = await deliver(store, "second")
    assert await save(store, waiting.mailbox_id)
    await store.directory.add_address(user.id, address("second"))
    assert await rows(store) == []


async def test_none_is_saved_of_a_mailbox_that_has_just_gone(store: Store) -> None:
    user = await new_user(store)
    made = await store.mailboxes.create(user.account_id, "a")
    snapshot = await store.messages.snapshot(made.id)
    await store.mailboxes.delete(user.account_id, "a")
    assert not await save(store, made.id, snapshot)


async def test_what_older_hosts_leave_of_a_mailbox_the_collector_removes(store: Store) -> None:
    inbox = await changed(store)
    await run(store, "UPDATE saved_snapshot SET mailbox_id = 4711")
    assert await save(store, inbox)
    await store.collector.collect(in_a_hurry=True)
    assert [row[0] for row in await rows(store)] == [inbox]


async def test_a_backup_leaves_it_out(store_settings: StoreSettings, tmp_path: Path) -> None:
    async with open_test_store(store_settings) as store:
        inbox = await changed(store)
        whole = state(await registry(store)._load_entries(inbox))
        database = store.messages._database  # type: ignore[attr-defined]
        summary = await archive.write(database, tmp_path / "backup", lambda _table, _rows: None)
        assert "saved_snapshot" not in summary.rows
    async with open_test_store(StoreSettings(data_dir=str(tmp_path / "other"))) as store:
        await run(store, "INSERT INTO saved_snapshot VALUES (1, 1, '', 1, 1, x'')")
        database = store.messages._database  # type: ignore[attr-defined]
        await archive.restore(database, tmp_path / "backup", lambda _table, _rows: None)
        assert await rows(store) == []
        snapshot, by_saved = await loaded(store, inbox)
        assert (state(snapshot), by_saved) == (whole, False)
