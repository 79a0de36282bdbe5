"""The snapshots of this process: one a mailbox, shared by all sessions that have it selected.

The registry holds them weakly: a mailbox that nobody has open costs nothing. While one is held, every
commit that the feed tells of moves it forward by the change log; after a gap, or when too much happened,
it is read anew. Reading begins with what is saved of a large mailbox, or else reads its entries.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Sequence

from mailkeep.errors import MailboxNotFound, StoreCorrupt, StoreUnavailable
from mailkeep.observe.logs import get_logger
from mailkeep.storage import change_log, entry_pages, saved_snapshots
from mailkeep.storage.database import Connection, Database, Row
from mailkeep.storage.feed import Hub
from mailkeep.storage.interface import Topic, TopicKind
from mailkeep.storage.query import Query
from mailkeep.storage.saved_snapshots import Head, Saved
from mailkeep.storage.snapshot import CHANGES_KEPT, Snapshot
from mailkeep.storage.snapshot_saver import SnapshotSaver

RETRY_SECONDS = 1.0

log = get_logger(__name__)

# The mailbox and what happened to it, in one statement: both of one moment, in one round trip.
_SINCE = Query(
    "SELECT m.uidvalidity, m.uidnext, m.highestmodseq, c.modseq, c.appended, c.flagged, c.expunged"
    " FROM mailbox m LEFT JOIN change c ON c.mailbox_id = m.id AND c.modseq > :modseq"
    " WHERE m.id = :id AND m.selectable ORDER BY c.modseq LIMIT :most"
)


class Snapshots:
    """`get` and `refresh` may be called at any time, by many at once; each mailbox is read by one of them."""

    def __init__(self, database: Database, hub: Hub) -> None:
        self._database = database
        self._hub = hub
        self._saver = SnapshotSaver(database)
        self._held: weakref.WeakValueDictionary[int, Snapshot] = weakref.WeakValueDictionary()
        self._reading: weakref.WeakValueDictionary[int, asyncio.Lock] = weakref.WeakValueDictionary()
        self._following: dict[int, asyncio.Task[None]] = {}
        self._stale: set[int] = set()

    async def get(self, mailbox_id: int) -> Snapshot:
        """See interface.Messages.snapshot."""
        async with self._lock(mailbox_id):
            snapshot = self._held.get(mailbox_id)
            if snapshot is None:
                snapshot, damaged = await self._load(mailbox_id)
                self._hold(snapshot)
                self._saver.consider(snapshot, damaged)
            else:
                await self._move(snapshot)
        return snapshot

    async def refresh(self, snapshot: Snapshot) -> None:
        """See interface.Messages.refresh."""
        async with self._lock(snapshot.mailbox_id):
            await self._move(snapshot)

    def usage(self) -> tuple[int, int, int]:
        """How many there are, the messages in them, and the octets that they take."""
        held = list(self._held.values())
        return len(held), sum(map(len, held)), sum(snapshot.octets for snapshot in held)

    async def close(self) -> None:
        """Follow the feed no more, and save nothing."""
        for task in list(self._following.values()):
            task.cancel()
            await asyncio.wait([task])
        await self._saver.close()

    # --- following the feed ---------------------------------------------------------------------

    def _hold(self, snapshot: Snapshot) -> None:
        mailbox_id = snapshot.mailbox_id
        self._held[mailbox_id] = snapshot
        stop = self._hub.watch(Topic(TopicKind.MAILBOX, str(mailbox_id)), lambda: self._changed(mailbox_id))
        weakref.finalize(snapshot, stop)

    def _changed(self, mailbox_id: int) -> None:
        """Commits that come while one is being read are read together, next."""
        self._stale.add(mailbox_id)
        if mailbox_id not in self._following:
            task = asyncio.create_task(self._follow(mailbox_id), name=f"snapshot-{mailbox_id}")
            self._following[mailbox_id] = task
            task.add_done_callback(lambda _: self._following.pop(mailbox_id, None))

    async def _follow(self, mailbox_id: int) -> None:
        while mailbox_id in self._stale:
            self._stale.discard(mailbox_id)
            snapshot = self._held.get(mailbox_id)
            if snapshot is None:
                return
            try:
                await self.refresh(snapshot)
            except StoreUnavailable:
                self._stale.add(mailbox_id)
                del snapshot  # it may go while we wait
                await asyncio.sleep(RETRY_SECONDS)
            except MailboxNotFound:
                snapshot.notify()  # its sessions look whether it is gone

    # --- reading --------------------------------------------------------------------------------

    def _lock(self, mailbox_id: int) -> asyncio.Lock:
        lock = self._reading.get(mailbox_id)
        if lock is None:
            lock = self._reading[mailbox_id] = asyncio.Lock()
        return lock

    async def _load(self, mailbox_id: int) -> tuple[Snapshot, int | None]:
        """The mailbox as it is, and when the saved one was made if that turned out to be damaged."""

        async def work(connection: Connection) -> Saved | Snapshot:
            head = await saved_snapshots.head_of(connection, mailbox_id)
            saved = await saved_snapshots.read(connection, mailbox_id, head)
            return saved or await _of_entries(connection, mailbox_id, head)

        found = await self._database.read_at_once(work)
        if isinstance(found, Snapshot):
            return found, None
        try:
            return await asyncio.to_thread(found.snapshot), None
        except StoreCorrupt as error:
            log.warning("a saved snapshot is of no use", mailbox_id=mailbox_id, reason=str(error))
            return await self._load_entries(mailbox_id), found.head.made_at

    async def _load_entries(self, mailbox_id: int) -> Snapshot:
        async def work(connection: Connection) -> Snapshot:
            head = await saved_snapshots.head_of(connection, mailbox_id)
            return await _of_entries(connection, mailbox_id, head)

        return await self._database.read_at_once(work)

    async def _move(self, snapshot: Snapshot) -> None:
        known = snapshot.highestmodseq

        async def work(connection: Connection) -> Sequence[Row]:
            return await connection.all(_SINCE, id=snapshot.mailbox_id, modseq=known, most=CHANGES_KEPT)

        rows = await self._database.read(work)
        snapshot.is_gone = not rows
        if not rows:
            raise MailboxNotFound("The mailbox does not exist.")
        uidvalidity, uidnext, highestmodseq = rows[0][:3]
        changes = [row[3:] for row in rows if row[3] is not None]
        if highestmodseq == known and uidvalidity == snapshot.uidvalidity:
            return
        if uidvalidity == snapshot.uidvalidity and len(changes) == highestmodseq - known:
            for row in changes:
                change_log.apply(snapshot, row)
            snapshot.uidnext = uidnext
            snapshot.unsaved += change_log.weight(changes)
            self._saver.consider(snapshot)
        else:
            fresh, damaged = await self._load(snapshot.mailbox_id)
            snapshot.replace(fresh)
            self._saver.consider(snapshot, damaged)
        snapshot.notify()


async def _of_entries(connection: Connection, mailbox_id: int, head: Head) -> Snapshot:
    snapshot = Snapshot(mailbox_id, head.uidvalidity, head.uidnext, head.highestmodseq)
    after = 0
    while columns := await entry_pages.page(connection, mailbox_id, after):
        snapshot.load_columns(columns)
        after = snapshot.uids[-1]
    return snapshot
