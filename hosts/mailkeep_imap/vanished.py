"""Which of the messages that a client knows are gone: what VANISHED (EARLIER) says (RFC 7162 section 3.2).

The store remembers what was removed with which modification sequence. Where it does not, everything counts
as removed that is not there, as the RFC permits: a client forgets UIDs that it never knew without harm.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from mailkeep.imap.responses import VanishedData
from mailkeep.model.uids import UID_MAX, UidSet

if TYPE_CHECKING:
    from mailkeep_imap.session import Session


async def earlier(session: Session, known: UidSet, since: int) -> bytes:
    """The response for those of `known` that went after `since`; b"" if none did. What the session has not
    been told of yet is left out: that will be told as VANISHED without EARLIER, which counts."""
    view = session.view
    view.absorb()
    through, highest = view.snapshot.highestmodseq, view.uidnext - 1
    gone = await session.host.store.messages.vanished(view.mailbox_id, since, through)
    if gone is None:
        gone = gaps(view.snapshot.uids, highest)
    untold = view.untold_expunges()
    gone = common(common(gone, known), gaps(untold, UID_MAX))
    return VanishedData(gone, earlier=True).encode() if gone else b""


def gaps(uids: Iterable[int], highest: int) -> UidSet:
    """What is missing between 1 and `highest` in ascending UIDs."""
    return UidSet(tuple(_gaps(uids, highest)))


def _gaps(uids: Iterable[int], highest: int) -> Iterator[tuple[int, int]]:
    free = 1
    for uid in uids:
        if uid > highest:
            break
        if uid > free:
            yield free, uid - 1
        free = uid + 1
    if free <= highest:
        yield free, highest


def common(left: UidSet, right: UidSet) -> UidSet:
    """UIDs in both sets. The cost is that of their ranges."""
    return UidSet(tuple(_common(left, right)))


def _common(left: UidSet, right: UidSet) -> Iterator[tuple[int, int]]:
    one, other = 0, 0
    while one < len(left.ranges) and other < len(right.ranges):
        low = max(left.ranges[one][0], right.ranges[other][0])
        high = min(left.ranges[one][1], right.ranges[other][1])
        if low <= high:
            yield low, high
        if left.ranges[one][1] < right.ranges[other][1]:
            one += 1
        else:
            other += 1
