"""The queue of outgoing mail. Part of the store's contract.

What is in it was put there by the committer, in the transaction of its delivery. A recipient leaves it by
being settled under the lease of who claimed it, or dropped by an operator. A lease that is not renewed ends,
and somebody else may claim what its host had in hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from mailkeep.model.queue import Claimed, QueuedMessage, QueueEntry, QueueStatus, Settlement
from mailkeep.storage.interface.messages import Body


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """Which recipients are meant; what is None or empty does not narrow.

    `ids` are of recipients or messages.
    """

    ids: tuple[str, ...] = ()
    domain: str | None = None
    sender: str | None = None
    user_id: UUID | None = None
    held: bool | None = None


ANYTHING = QueueFilter()


class Queue(Protocol):
    """Recipients of outgoing mail. All processes on a store share it."""

    async def claim(
        self, lease: str, limit: int, seconds: float, busy: Sequence[str] = ()
    ) -> Sequence[Claimed]:
        """Take up to `limit` of those whose time has come, the most overdue first, but none of the domains
        in `busy`. `lease` is a name that nobody else uses; nobody else gets them until it ends."""

    async def renew(self, claimed: Sequence[Claimed], seconds: float) -> int:
        """Let the leases end that much later than now; the number of recipients that are still under them."""

    async def sending(self, claimed: Sequence[Claimed], attempt: str) -> int:
        """The end of a message is about to go out for these: until they are settled, it is in doubt whether
        that attempt arrived, and whoever claims them next is told so. The number that are still under their
        leases: if it is not all, somebody else has them, and nothing may go out."""

    async def next_at(self) -> datetime | None:
        """When the next one may be claimed; None if there is none."""

    async def message(self, message_id: str) -> tuple[QueuedMessage, Body]:
        """A message and its octets. Raises NotFound."""

    async def messages(
        self, message_ids: Sequence[str], largest: int
    ) -> Mapping[str, tuple[QueuedMessage, Body]]:
        """Those of them that have at most `largest` octets, in one read; others and unknown ones are left
        out."""

    async def settle(self, settlements: Sequence[Settlement]) -> int:
        """Each under its lease; one whose lease is lost is left alone. A message whose last recipient is done
        with goes too. The number that were settled."""

    async def entries(
        self, which: QueueFilter = ANYTHING, limit: int = 100, after: str = ""
    ) -> Sequence[QueueEntry]:
        """Recipients by their ids, from behind `after` on."""

    async def status(self) -> QueueStatus:
        """How many there are, and the oldest."""

    async def retry(self, which: QueueFilter) -> int:
        """Let those that wait be tried at once. The number of them."""

    async def hold(self, which: QueueFilter) -> int:
        """Try those that wait no more, until they are released; what is being sent stays so. Their number."""

    async def release(self, which: QueueFilter) -> int:
        """Let held ones be tried at once. The number of them."""

    async def drop(self, which: QueueFilter) -> int:
        """Remove those that nobody is sending right now, without a report. The number of them."""
