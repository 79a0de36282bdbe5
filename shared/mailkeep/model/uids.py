"""Sets of UIDs as sorted ranges: compact, and cheap to intersect with a mailbox.

A set is finite: `*` and reversed ranges are the protocol parser's to resolve against a mailbox first.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

UID_MAX = 0xFFFFFFFF  # RFC 9051 section 9: nz-number, unsigned 32 bits


@dataclass(frozen=True, slots=True)
class UidSet:
    """`ranges` are inclusive, ascending, and neither overlap nor touch."""

    ranges: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, uids: Iterable[int]) -> UidSet:
        """From single UIDs in any order."""
        ordered = sorted(set(uids))
        if not ordered:
            return cls()
        low = high = ordered[0]
        if ordered[-1] - low == len(ordered) - 1:  # a whole mailbox without gaps needs no walk
            return cls(((low, ordered[-1]),))
        ranges = []
        for uid in ordered:
            if uid > high + 1:
                ranges.append((low, high))
                low = uid
            high = uid
        return cls((*ranges, (low, high)))

    @classmethod
    def of_ranges(cls, ranges: Iterable[tuple[int, int]]) -> UidSet:
        """From inclusive (low, high) pairs in any order, which may overlap."""
        merged: list[tuple[int, int]] = []
        for low, high in sorted(ranges):
            if merged and low <= merged[-1][1] + 1:
                if high > merged[-1][1]:
                    merged[-1] = (merged[-1][0], high)
            else:
                merged.append((low, high))
        return cls(tuple(merged))

    @classmethod
    def parse(cls, text: str) -> UidSet:
        """From `1:3,7`, the form of `str()`. Raises ValueError."""
        if not text:
            return cls()
        ranges = []
        for part in text.split(","):
            low, colon, high = part.partition(":")
            ranges.append((int(low), int(high if colon else low)))
        return cls.of_ranges(ranges)

    def __str__(self) -> str:
        return ",".join(str(low) if low == high else f"{low}:{high}" for low, high in self.ranges)

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def __len__(self) -> int:
        return sum(high - low + 1 for low, high in self.ranges)

    def __iter__(self) -> Iterator[int]:
        for low, high in self.ranges:
            yield from range(low, high + 1)

    def __contains__(self, uid: object) -> bool:
        if not isinstance(uid, int):
            return False
        at = bisect_right(self.ranges, (uid, UID_MAX + 1)) - 1
        return at >= 0 and self.ranges[at][0] <= uid <= self.ranges[at][1]

    def __or__(self, other: UidSet) -> UidSet:
        return UidSet.of_ranges(self.ranges + other.ranges)


NO_UIDS = UidSet()
