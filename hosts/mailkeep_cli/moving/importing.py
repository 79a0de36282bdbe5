"""Messages from a source into an account: in batches, and only those that are not there.

A message is there if its mailbox held the same octets when the import began, each of them once. So an import
that was broken off goes on where it stopped, and running it again changes nothing, whatever became of the
flags.

Batches are made ready in a thread, many messages a turn, while the one before is being written: scanning
is Python's, but hashing, compressing, the database and the disk go on beside it. Memory is needed for the
batches that are on their way, IN_FLIGHT at most.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from mailkeep.errors import MailboxNotFound, NotFound
from mailkeep.mime.prepare import prepare
from mailkeep.model.message import NewMessage
from mailkeep.storage.interface import Store
from mailkeep_cli.moving.carried import Carried, Source, TooLarge

BATCH_MESSAGES = 200
BATCH_OCTETS = 4 * 1024 * 1024
IN_FLIGHT = 3  # batches


@dataclass(slots=True)
class Imported:
    """What became of the messages."""

    added: int = 0
    present: int = 0
    octets: int = 0
    too_large: list[str] = field(default_factory=list)


class _Target:
    """One mailbox: what it held at first, and the batch for it."""

    def __init__(self, mailbox_id: int, held: dict[int, list[int]], dates: Counter[tuple[int, int]]) -> None:
        self.mailbox_id = mailbox_id
        self._held = held
        self._dates = dates
        self.batch: list[Carried] = []
        self.octets = 0

    async def takes_from(self, store: Store, octets: bytes) -> bool:
        """True if one of those that it held has these octets; that one then counts no more."""
        candidates = self._held.get(len(octets), [])
        for place, message_id in enumerate(candidates):
            try:
                body = await store.messages.body(message_id)
            except NotFound:
                continue
            if await body.read() == octets:
                del candidates[place]
                return True
        return False

    def seems_to_hold(self, size: int, seconds: int) -> bool:
        """True for each of those that it held, once, by size and date."""
        if self._dates[size, seconds] <= 0:
            return False
        self._dates[size, seconds] -= 1
        return True


class Importer:
    """Into one account. `below` is the mailbox that the source's own names lie under; "" is INBOX and the
    account's top."""

    def __init__(self, store: Store, account_id: int, below: str, limit: int) -> None:
        self._store = store
        self._account_id = account_id
        self._below = below
        self.limit = limit
        self._targets: dict[str, _Target] = {}
        self._flying: list[asyncio.Task[None]] = []
        self.done = Imported()

    async def run(self, source: Source, progress: Callable[[float], None]) -> Imported:
        """All of it. Raises OverQuota, StoreUnavailable, OSError: what was added until then stays."""
        try:
            for message in source.messages(self.limit):
                if isinstance(message, TooLarge) or len(message.octets) > self.limit:
                    self.done.too_large.append(message.place)
                elif message.octets:
                    await self.take(message)
                progress(message.weight)
            return await self.finish()
        finally:
            await self.close()

    async def finish(self) -> Imported:
        """Commit what is left. Raises as run does."""
        for target in self._targets.values():
            await self._commit(target)
        await self._settle(0)
        return self.done

    async def close(self) -> None:
        """After whatever happened: nothing is on its way any more. What became of it is not told again."""
        flying, self._flying = self._flying, []
        await asyncio.gather(*flying, return_exceptions=True)

    async def seems_present(self, mailbox: str, size: int, received_at: datetime) -> bool:
        """True if a message of that size and date was there at first: each of those once."""
        target = await self._target(mailbox)
        return target.seems_to_hold(size, int(received_at.timestamp()))

    async def take(self, message: Carried) -> None:
        """Add one, unless it is there."""
        target = await self._target(message.mailbox)
        if await target.takes_from(self._store, message.octets):
            self.done.present += 1
            return
        target.batch.append(message)
        target.octets += len(message.octets)
        if len(target.batch) >= BATCH_MESSAGES or target.octets >= BATCH_OCTETS:
            await self._commit(target)

    async def _commit(self, target: _Target) -> None:
        if target.batch:
            await self._settle(IN_FLIGHT - 1)
            before = self._flying[-1] if self._flying else None
            writing = self._write(target.mailbox_id, target.batch, target.octets, before)
            self._flying.append(asyncio.create_task(writing))
            target.batch, target.octets = [], 0

    async def _settle(self, left: int) -> None:
        """Wait until so few batches are on their way. Raises what became of them."""
        while len(self._flying) > left:
            await self._flying[0]
            del self._flying[0]

    async def _write(
        self, mailbox_id: int, batch: list[Carried], octets: int, before: asyncio.Task[None] | None
    ) -> None:
        ready = await asyncio.to_thread(_ready, batch)
        if before is not None:
            await before  # UIDs are in the order of the source, and after a failure nothing more is written
        await self._store.committer.append(mailbox_id, ready)
        self.done.added += len(ready)
        self.done.octets += octets

    async def _target(self, name: str) -> _Target:
        known = self._targets.get(name)
        if known is None:
            for other in self._targets.values():  # sources go mailbox by mailbox: one batch in memory
                await self._commit(other)
            full = "/".join(part for part in (self._below, name) if part) or "INBOX"
            known = self._targets[name] = await self._open(full)
        return known

    async def _open(self, name: str) -> _Target:
        mailboxes = self._store.mailboxes
        try:
            mailbox = await mailboxes.get(self._account_id, name)
        except MailboxNotFound:
            mailbox = await mailboxes.create(self._account_id, name)
            await mailboxes.subscribe(self._account_id, name)
        snapshot = await self._store.messages.snapshot(mailbox.id)
        held: dict[int, list[int]] = defaultdict(list)
        for size, message_id in zip(snapshot.sizes, snapshot.message_ids, strict=True):
            held[size].append(message_id)
        dates = Counter(zip(snapshot.sizes, snapshot.internal_dates, strict=True))
        return _Target(mailbox.id, dict(held), dates)


def _ready(batch: Sequence[Carried]) -> list[NewMessage]:
    made = []
    for message in batch:
        prepared = prepare(message.octets)
        came = message.received_at or prepared.summary.sent_at or datetime.now(UTC)
        made.append(NewMessage(prepared, came, message.flags))
    return made
