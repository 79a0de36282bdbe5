"""Which segments of a text index are to be made anew, without what has gone.

Messages go, and their words stay in the index: a mailbox through which much passes would keep a segment for
every few thousand that it ever held, and each search would look through them all. So a segment of which most
is gone is hollow, and is written again without it, together with a neighbour where both fit into one;
neighbours that have become small are joined. One run at a time: whoever calls rests in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

SEGMENT_MESSAGES = 4096
SEGMENT_OCTETS = 16 * 1024 * 1024
PACKED_OCTETS = SEGMENT_OCTETS // 4  # what so much takes in the table, about
FEW = 64  # messages: fewer that are gone are no reason to write, and so few are joined with as few

Head = tuple[int, int, int]
"""The lowest and the highest UID that a segment covers, and when it was made: its name for ever."""


@dataclass(frozen=True, slots=True)
class Part:
    """A segment: how many messages are in it, how many of them are still in the mailbox, what it takes."""

    head: Head
    count: int
    left: int
    octets: int

    @property
    def is_hollow(self) -> bool:
        """Most is gone."""
        return self.count - self.left >= FEW and 2 * self.left <= self.count

    @property
    def will_take(self) -> int:
        """Octets, about, when what is gone has gone."""
        return self.octets * self.left // max(1, self.count)


def to_rewrite(parts: Sequence[Part]) -> tuple[Head, ...]:
    """One segment, or two that become one; none if all are well. `parts` follow each other."""
    for one, next_one in pairwise(parts):
        worth = one.is_hollow or next_one.is_hollow or _are_alike(one.left, next_one.left)
        if worth and _fit(one, next_one):
            return one.head, next_one.head
    return next(((part.head,) for part in parts if part.is_hollow), ())


def _fit(one: Part, other: Part) -> bool:
    fits = one.left + other.left <= SEGMENT_MESSAGES
    return fits and one.will_take + other.will_take <= PACKED_OCTETS


def _are_alike(one: int, other: int) -> bool:
    """The same rule as for new segments, so that a small one is not joined to a large one again and again."""
    small, large = sorted((one, other))
    return large <= 2 * small or large < FEW
