"""Sequence sets as the client wrote them (RFC 9051 section 9, `sequence-set`), before they meet a mailbox.

`*` and reversed ranges keep their form here: what they mean depends on the mailbox at the moment of the
command, and `resolve_numbers` / `resolve_uids` say it. `$` (RFC 5182) names the saved search result, which
only the session knows.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.model.uids import NO_UIDS, UidSet

STAR = 0
"""Stands for `*`, the largest number in use; 0 itself is never a sequence number or UID."""


@dataclass(frozen=True, slots=True)
class SequenceSet:
    """Pairs (first, last) as written, a single number twice; `saved` is `$` and has no ranges."""

    ranges: tuple[tuple[int, int], ...] = ()
    saved: bool = False

    def resolve_numbers(self, exists: int) -> UidSet:
        """Message sequence numbers 1 to `exists`. Raises ImapSyntaxError for a number beyond them
        (RFC 9051 section 6.4.4: such a command is a BAD one)."""
        resolved = []
        for first, last in self.ranges:
            low, high = _ordered(first or exists, last or exists)
            if low == 0 or high > exists:
                raise ImapSyntaxError("There is no message with that sequence number.")
            resolved.append((low, high))
        return UidSet.of_ranges(resolved)

    def resolve_uids(self, largest: int) -> UidSet:
        """UIDs; `largest` is the highest in the mailbox, 0 when it is empty. UIDs that are not there are
        no error (RFC 9051 section 6.4.9), and `n:*` always holds the last message."""
        resolved = []
        for first, last in self.ranges:
            low, high = _ordered(first or largest, last or largest)
            if high:
                resolved.append((max(low, 1), high))
        return UidSet.of_ranges(resolved) if resolved else NO_UIDS

    def __str__(self) -> str:
        if self.saved:
            return "$"
        return ",".join(_range_text(first, last) for first, last in self.ranges)


SAVED_RESULT = SequenceSet(saved=True)


def _ordered(first: int, last: int) -> tuple[int, int]:
    return (first, last) if first <= last else (last, first)


def _range_text(first: int, last: int) -> str:
    if first == last:
        return str(first) if first else "*"
    return f"{first or '*'}:{last or '*'}"
