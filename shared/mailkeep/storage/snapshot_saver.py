"""When a snapshot is saved, and by whom: by any process that holds one, a while after it was needed.

Nobody waits for it. One task of the process saves one snapshot at a time, after a rest of random length, so
that of several processes that hold the same one the first finds something to do and the others see that it
was done. What fails is tried again when the mailbox moves next.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from mailkeep.errors import MailboxNotFound, StoreUnavailable
from mailkeep.observe.logs import get_logger
from mailkeep.storage import packed_snapshot, saved_snapshots
from mailkeep.storage.database import Connection, Database
from mailkeep.storage.packed_snapshot import Copied
from mailkeep.storage.saved_snapshots import Head
from mailkeep.storage.snapshot import Snapshot

REST_SECONDS = (1.0, 3.0)  # before each
SAVE_SECONDS = 30.0
WAITING_AT_MOST = 4  # snapshots: they are held until they are saved
MESSAGES_AN_OCTET = 4  # it is worth saving anew when the log weighs more octets than one for so many,
LEAST_OCTETS = 4096  # and than these

log = get_logger(__name__)


class SnapshotSaver:
    """`consider` costs nothing where nothing is to be done."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[int, tuple[Snapshot, int | None]] = {}
        self._task: asyncio.Task[None] | None = None

    def consider(self, snapshot: Snapshot, damaged: int | None = None) -> None:
        """Have it saved soon, if that pays. `damaged` is when a saved one was made that is of no use."""
        if not is_worth_saving(len(snapshot), snapshot.unsaved) or len(self._waiting) >= WAITING_AT_MOST:
            return
        self._waiting.setdefault(snapshot.mailbox_id, (snapshot, damaged))
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="snapshot-saver")

    async def close(self) -> None:
        """Save no more."""
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(random.uniform(*REST_SECONDS))  # noqa: S311  no secret
                await self._save_next()
        finally:
            self._task = None

    async def _save_next(self) -> None:
        mailbox_id, (snapshot, damaged) = next(iter(self._waiting.items()))
        try:
            async with asyncio.timeout(SAVE_SECONDS):
                await self._save(snapshot, damaged)
        except MailboxNotFound:
            pass
        except (StoreUnavailable, TimeoutError) as error:
            log.info("a snapshot could not be saved", mailbox_id=mailbox_id, reason=str(error))
        finally:
            self._waiting.pop(mailbox_id, None)

    async def _save(self, snapshot: Snapshot, damaged: int | None) -> None:
        head, lag = await self._database.read_at_once(_standing(snapshot.mailbox_id))
        if lag is not None and head.made_at != damaged and not is_worth_saving(head.messages, lag):
            snapshot.unsaved = lag
            return
        copied, included = Copied.of(snapshot), snapshot.unsaved
        packed = await asyncio.to_thread(packed_snapshot.pack, copied)
        # One that is too large for it is not packed again at once.
        if packed is None or await saved_snapshots.write(self._database, copied, packed, head.made_at):
            snapshot.unsaved = max(0, snapshot.unsaved - included)


def is_worth_saving(messages: int, unsaved: int) -> bool:
    """A mailbox of so many messages, with so much of the log since it was saved."""
    return saved_snapshots.is_for(messages) and unsaved > max(LEAST_OCTETS, messages // MESSAGES_AN_OCTET)


def _standing(mailbox_id: int) -> Callable[[Connection], Awaitable[tuple[Head, int | None]]]:
    """What is saved of a mailbox, and how far that lags behind."""

    async def work(connection: Connection) -> tuple[Head, int | None]:
        head = await saved_snapshots.head_of(connection, mailbox_id)
        return head, await saved_snapshots.lag(connection, mailbox_id, head)

    return work
