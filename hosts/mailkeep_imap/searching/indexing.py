"""Keeping the text index of searched mailboxes near to what is in them.

A search is right without it: what is not indexed is read. So nothing is indexed at delivery, and a mailbox
that nobody searches costs nothing. A search that had to read many messages asks here, and they are
indexed behind it, a moment later: in small steps with a rest after each, on a thread, by one process of the
store at a time, and behind the searches that come meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_right
from collections.abc import Sequence

from mailkeep.errors import InUse, MailboxNotFound, StoreCorrupt, StoreUnavailable
from mailkeep.mime import parts
from mailkeep.net.tasks import TaskRegistry
from mailkeep.observe.logs import get_logger
from mailkeep.storage.interface import IndexedText, Store
from mailkeep.storage.snapshot import Snapshot
from mailkeep_imap.searching.evaluate import Rows, whole_messages
from mailkeep_imap.searching.precedence import Precedence
from mailkeep_imap.searching.texts import folded_body, folded_header

LOCK = "text-index"
REST_BEFORE_SECONDS = 2.0  # who has searched mostly searches again at once
TAIL = 64  # messages that are not worth indexing yet
STEP = 512  # messages indexed at a time
LARGE = 1024 * 1024  # octets of a message that is read at each search instead
WAITING_LIMIT = 1000  # mailboxes; one that is turned away asks again with its next search
REST = 1.0  # times as long as the step before took

log = get_logger(__name__)


class Indexing:
    """`wanted` may be called at any time; one task works through what waits, and ends when nothing does."""

    def __init__(self, store: Store, tasks: TaskRegistry) -> None:
        self._store = store
        self._tasks = tasks
        self._waiting: dict[int, None] = {}
        self._running = False
        self.precedence = Precedence()

    def wanted(self, mailbox_id: int) -> None:
        """A mailbox was searched for text."""
        if len(self._waiting) < WAITING_LIMIT:
            self._waiting[mailbox_id] = None
        if not self._running:
            self._running = True
            self._tasks.spawn(self._run(), "text index")

    async def _run(self) -> None:
        try:
            await asyncio.sleep(REST_BEFORE_SECONDS)
            async with self._store.locks.hold(LOCK, self._waiting.clear):
                while self._waiting:
                    mailbox_id = next(iter(self._waiting))
                    del self._waiting[mailbox_id]
                    await self.index(mailbox_id)
        except InUse:
            self._waiting.clear()  # another process is at it; who still needs it asks again
        except (StoreUnavailable, StoreCorrupt) as error:  # who searches the mailbox hears of it, too
            log.warning("the text index waits", reason=str(error))
        finally:
            self._running = False

    async def index(self, mailbox_id: int) -> None:
        """Index what a mailbox has, but for the last few messages."""
        try:
            snapshot = await self._store.messages.snapshot(mailbox_id)
        except MailboxNotFound:
            return
        is_new = False
        while True:
            began = time.monotonic()
            after = await self._store.texts.through(mailbox_id)
            start = bisect_right(snapshot.uids, after)
            if len(snapshot) - start < TAIL:
                break
            uids, ids, sizes = (
                column[start : start + STEP]
                for column in (snapshot.uids, snapshot.message_ids, snapshot.sizes)
            )
            if not await self._step(mailbox_id, after, _Step(uids, ids, sizes)):
                return
            is_new = True
            await asyncio.sleep(REST * (time.monotonic() - began))
        if is_new:
            await self._compact(snapshot)

    async def _compact(self, snapshot: Snapshot) -> None:
        """What has gone since leaves the index with what comes: a mailbox in which nothing happens costs
        nothing."""
        while True:
            began = time.monotonic()
            present, uidnext = snapshot.uids[:], snapshot.uidnext  # of one moment
            if not await self._store.texts.compact(snapshot.mailbox_id, present, uidnext):
                return
            await asyncio.sleep(REST * (time.monotonic() - began))

    async def _step(self, mailbox_id: int, after: int, step: _Step) -> bool:
        read = [id for id, size in zip(step.ids, step.sizes, strict=True) if size <= LARGE]
        texts: dict[int, tuple[str, str]] = {}
        async for rows in whole_messages(list(dict.fromkeys(read)), self._store.messages):
            texts.update(await asyncio.to_thread(_texts, rows, self.precedence))
        found = [
            IndexedText(uid, texts.get(id))
            for uid, id, size in zip(step.uids, step.ids, step.sizes, strict=True)
            if id in texts or size > LARGE
        ]
        return await self._store.texts.add(mailbox_id, after, step.uids[-1], found)


class _Step:
    """What one step is about, by UID."""

    __slots__ = ("ids", "sizes", "uids")

    def __init__(self, uids: Sequence[int], ids: Sequence[int], sizes: Sequence[int]) -> None:
        self.uids = uids
        self.ids = ids
        self.sizes = sizes


def _texts(rows: Rows, precedence: Precedence) -> list[tuple[int, tuple[str, str]]]:
    found = []
    for message_id, packed, octets in rows:
        precedence.give_way()
        index = parts.unpack(packed)
        found.append((message_id, (folded_header(octets, index), folded_body(octets, index))))
    return found
