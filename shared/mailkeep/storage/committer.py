"""The committer: concurrent writes of this process wait in one queue and share transactions.

While one transaction is being written and flushed to disk, the next ones gather behind it; then all of
them go together. Each caller is answered after the commit that holds its write. A write that the
database itself rejects is run again alone, so that its neighbours are kept. The queue is bounded in
number and octets: past that, callers wait.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from mailkeep.errors import Refusal, StoreUnavailable
from mailkeep.model.flags import EVERY_FLAG, FlagAction, FlagMask, Flags
from mailkeep.model.message import Delivered, Delivery, NewMessage
from mailkeep.model.quota import DefaultLimits
from mailkeep.model.uids import UidSet
from mailkeep.observe import metrics
from mailkeep.storage import blobs
from mailkeep.storage.database import Database, Transaction, Unforeseen
from mailkeep.storage.failures import SENTENCE, Rejected
from mailkeep.storage.interface import Appended, Expunged, FlagsStored
from mailkeep.storage.operations import batch, filtering, foreseen
from mailkeep.storage.operations.batch import Batch, Memory, Operation
from mailkeep.storage.operations.copying import Copy, Move
from mailkeep.storage.operations.flagging import StoreFlags
from mailkeep.storage.operations.insertion import Append, Deliver, DeliverAll, make_ready
from mailkeep.storage.operations.removal import Expunge
from mailkeep.storage.operations.replacing import Replace
from mailkeep.storage.outbox_pages import HeldPages

BATCH_OPERATIONS = 256
BATCH_OCTETS = 8 * 1024 * 1024
WAITING_OPERATIONS = 4096
WAITING_OCTETS = 64 * 1024 * 1024

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Waiting:
    operation: Operation
    answer: asyncio.Future[Any]


class GroupCommitter:
    """See interface.Committer."""

    def __init__(self, database: Database, defaults: DefaultLimits, held: HeldPages) -> None:
        self._database = database
        self._queue: deque[_Waiting] = deque()
        self._waiting_octets = 0
        self._room = asyncio.Condition()
        self._crowd = 0  # who waits for room
        self._work = asyncio.Event()
        self._closing = False
        self._memory = Memory(defaults=defaults, held=held)
        self._worker = asyncio.create_task(self._run(), name="committer")

    # --- the contract ---------------------------------------------------------------------------

    async def deliver(self, delivery: Delivery) -> Sequence[Delivered]:
        """See interface.Committer."""
        ready = make_ready(delivery.message, await blobs.pack_content(delivery.message))
        answer: Sequence[Delivered]
        try:
            answer = await self._submit(Deliver(delivery, ready))
        except filtering.TextNeeded:
            text = await filtering.text_of(delivery.message)
            answer = await self._submit(Deliver(delivery, ready, text))
        return answer

    async def deliver_all(self, deliveries: Sequence[Delivery]) -> Sequence[Sequence[Delivered]]:
        """See interface.Committer."""
        each = [
            Deliver(one, make_ready(one.message, await blobs.pack_content(one.message))) for one in deliveries
        ]
        answer: Sequence[Sequence[Delivered]]
        try:
            answer = await self._submit(DeliverAll(each))
        except filtering.TextNeeded:
            answer = [await self.deliver(one) for one in deliveries]
        return answer

    async def append(
        self, mailbox_id: int, messages: Sequence[NewMessage], name: str | None = None
    ) -> Appended:
        """See interface.Committer."""
        ready = [make_ready(new.message, await blobs.pack_content(new.message)) for new in messages]
        answer: Appended = await self._submit(Append(mailbox_id, messages, ready, name))
        return answer

    async def replace(
        self, source_id: int, uid: int, target_id: int, message: NewMessage
    ) -> tuple[Appended, Expunged]:
        """See interface.Committer."""
        ready = make_ready(message.message, await blobs.pack_content(message.message))
        operation = Replace(source_id, uid, Append(target_id, [message], [ready]))
        answer: tuple[Appended, Expunged] = await self._submit(operation)
        return answer

    async def store_flags(
        self,
        mailbox_id: int,
        uids: UidSet,
        action: FlagAction,
        flags: Flags,
        unchanged_since: int | None = None,
        *,
        within: FlagMask = EVERY_FLAG,
    ) -> FlagsStored:
        """See interface.Committer."""
        operation = StoreFlags(mailbox_id, uids, action, flags, unchanged_since, within=within)
        answer: FlagsStored = await self._submit(operation)
        return answer

    async def expunge(self, mailbox_id: int, uids: UidSet | None, only_deleted: bool = True) -> Expunged:
        """See interface.Committer."""
        answer: Expunged = await self._submit(Expunge(mailbox_id, uids, only_deleted))
        return answer

    async def copy(
        self, source_id: int, uids: UidSet, target_id: int, kept: FlagMask = EVERY_FLAG
    ) -> Appended:
        """See interface.Committer."""
        answer: Appended = await self._submit(Copy(source_id, uids, target_id, kept))
        return answer

    async def move(
        self, source_id: int, uids: UidSet, target_id: int, kept: FlagMask = EVERY_FLAG
    ) -> tuple[Appended, Expunged]:
        """See interface.Committer."""
        answer: tuple[Appended, Expunged] = await self._submit(Move(source_id, uids, target_id, kept))
        return answer

    def waiting(self) -> tuple[int, int]:
        """How many operations wait for a commit, and their octets."""
        return len(self._queue), self._waiting_octets

    async def close(self) -> None:
        """Commit what waits, then refuse more."""
        self._closing = True
        self._work.set()
        await asyncio.wait([self._worker])

    # --- the queue ------------------------------------------------------------------------------

    async def _submit(self, operation: Operation) -> Any:
        if self._is_full(operation):
            await self._wait_for_room(operation)
        if self._closing:
            raise StoreUnavailable("The mail store is being closed.")
        waiting = _Waiting(operation, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._waiting_octets += operation.weight
        self._work.set()
        return await waiting.answer  # cancelling it leaves the operation in the queue

    async def _wait_for_room(self, operation: Operation) -> None:
        self._crowd += 1
        try:
            async with self._room:
                await self._room.wait_for(lambda: not self._is_full(operation))
        finally:
            self._crowd -= 1

    def _is_full(self, operation: Operation) -> bool:
        if not self._queue or self._closing:
            return False  # what is larger than all the room must get in alone
        too_many = len(self._queue) >= WAITING_OPERATIONS
        return too_many or self._waiting_octets + operation.weight > WAITING_OCTETS

    def _take(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        octets = 0
        while self._queue and len(group) < BATCH_OPERATIONS:
            octets += self._queue[0].operation.weight
            if group and octets > BATCH_OCTETS:
                break
            group.append(self._queue.popleft())
            self._waiting_octets -= group[-1].operation.weight
        return group

    async def _run(self) -> None:
        while self._queue or not self._closing:
            await self._work.wait()
            while self._queue:
                group = self._take()
                if self._crowd:
                    async with self._room:
                        self._room.notify_all()
                await self._commit(group)
            if not self._closing:
                self._work.clear()

    # --- one transaction ------------------------------------------------------------------------

    async def _commit(self, group: Sequence[_Waiting]) -> None:
        operations = [waiting.operation for waiting in group]

        began = time.monotonic()
        try:
            answers = await self._write(operations)
        except Exception as failure:
            metrics.COMMIT_FAILURES.inc()
            await self._failed(group, failure)
        else:
            metrics.COMMITS.observe(time.monotonic() - began)
            metrics.BATCHES.observe(len(group))
            _count(operations, answers)
            for waiting, answer in zip(group, answers, strict=True):
                _answer(waiting, answer)

    async def _write(self, operations: Sequence[Operation]) -> list[Any]:
        async def work(transaction: Transaction) -> tuple[list[Any], Batch]:
            return await batch.run(transaction, operations, self._memory)

        try:
            return await foreseen.write(self._database, operations, self._memory)
        except Unforeseen:
            answers, written = await self._database.write(work)
        self._memory.learn(written)
        return answers

    async def _failed(self, group: Sequence[_Waiting], failure: Exception) -> None:
        may_be_one_alone = isinstance(failure, Rejected) or not isinstance(failure, StoreUnavailable)
        if len(group) > 1 and may_be_one_alone:
            for waiting in group:
                await self._commit([waiting])
            return
        if may_be_one_alone:
            log.error("a write failed", exc_info=failure)
            failure = StoreUnavailable(SENTENCE)
        for waiting in group:
            _answer(waiting, failure)


def _count(operations: Sequence[Operation], answers: Sequence[Any]) -> None:
    """Those that were done: one may have been refused beside others that were kept."""
    kinds: dict[type[Operation], int] = {}
    delivered = 0
    for one, answer in zip(operations, answers, strict=True):
        if isinstance(answer, Refusal):
            continue
        kinds[type(one)] = kinds.get(type(one), 0) + 1
        if isinstance(one, Deliver | DeliverAll):
            delivered += one.new_messages
    for kind, count in kinds.items():
        _counter(kind).inc(count)
    if delivered:
        metrics.DELIVERED.inc(delivered)


@cache
def _counter(kind: type[Operation]) -> Any:
    return metrics.OPERATIONS.labels(kind.__name__)


def _answer(waiting: _Waiting, answer: Any) -> None:
    if waiting.answer.done():
        return  # the caller is gone
    if isinstance(answer, Refusal | StoreUnavailable):
        waiting.answer.set_exception(answer)
    else:
        waiting.answer.set_result(answer)
