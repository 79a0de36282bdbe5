"""One mailbox in memory: what every session of the process that has it selected shares.

Parallel arrays hold one entry per message in UID order (37 octets each), so that flag fetches, searches
by flag, date and size, and sequence numbers never touch the database. A snapshot only moves forward: the
store applies `Change`s in modseq order, and each session reads from `changes_since` what to tell its
client. It never writes to the database and never waits.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mailkeep.model.flags import Flags, SystemFlag
from mailkeep.model.uids import NO_UIDS, UidSet

COLUMNS = ("uids", "message_ids", "system_flags", "keyword_ids", "modseqs", "sizes", "internal_dates")
CHANGES_KEPT = 1024  # a session that lags by more commits than this compares all instead
FEW_RANGES = 16  # taken out one by one; for more, what stays is put together anew
NOTHING_SAVED = 1 << 62


@dataclass(frozen=True, slots=True)
class SnapshotEntry:
    """One message of the mailbox, as taken out of the arrays. `internal_date` is in Unix seconds."""

    uid: int
    message_id: int
    flags: Flags
    modseq: int
    size: int
    internal_date: int


@dataclass(frozen=True, slots=True)
class Change:
    """What one commit did to the mailbox. A UID stands in at most one of the three sets."""

    modseq: int
    appended: UidSet = NO_UIDS
    flagged: UidSet = NO_UIDS
    expunged: UidSet = NO_UIDS


class Snapshot:
    """The arrays are public for reading at speed; only the store calls the methods that change them."""

    __slots__ = (
        "__weakref__",
        "_changes",
        "_keyword_places",
        "_known_from",
        "_listeners",
        "highestmodseq",
        "internal_dates",
        "is_gone",
        "keyword_ids",
        "keyword_sets",
        "mailbox_id",
        "message_ids",
        "modseqs",
        "sizes",
        "system_flags",
        "uidnext",
        "uids",
        "uidvalidity",
        "unsaved",
    )

    def __init__(self, mailbox_id: int, uidvalidity: int, uidnext: int, highestmodseq: int) -> None:
        self.mailbox_id = mailbox_id
        self.uidvalidity = uidvalidity
        self.uidnext = uidnext
        self.highestmodseq = highestmodseq
        self.is_gone = False  # the mailbox has been deleted since
        self.uids = array("I")
        self.message_ids = array("Q")
        self.system_flags = array("B")
        self.keyword_ids = array("I")  # indexes keyword_sets
        self.keyword_sets: list[tuple[str, ...]] = [()]
        self._keyword_places: dict[tuple[str, ...], int] = {(): 0}
        self.modseqs = array("Q")
        self.sizes = array("I")
        self.internal_dates = array("q")
        self.unsaved = NOTHING_SAVED  # weight of the change log since one was saved: see saved_snapshots.py
        self._changes: deque[Change] = deque(maxlen=CHANGES_KEPT)
        self._known_from = highestmodseq
        self._listeners: set[Callable[[], None]] = set()

    # --- reading --------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.uids)

    def index(self, uid: int) -> int | None:
        """Place of a UID in the arrays, or None."""
        at = bisect_left(self.uids, uid)
        return at if at < len(self.uids) and self.uids[at] == uid else None

    def flags_at(self, at: int) -> Flags:
        """Flags of the entry at a place."""
        return Flags(SystemFlag(self.system_flags[at]), self.keyword_sets[self.keyword_ids[at]])

    def entry_at(self, at: int) -> SnapshotEntry:
        """The entry at a place."""
        return SnapshotEntry(
            self.uids[at],
            self.message_ids[at],
            self.flags_at(at),
            self.modseqs[at],
            self.sizes[at],
            self.internal_dates[at],
        )

    def entry(self, uid: int) -> SnapshotEntry | None:
        """The entry with a UID, or None."""
        at = self.index(uid)
        return None if at is None else self.entry_at(at)

    def indexes(self, uids: UidSet) -> Iterator[int]:
        """Places of those UIDs of a set that are in the mailbox, ascending."""
        for low, high in uids.ranges:
            yield from range(bisect_left(self.uids, low), bisect_left(self.uids, high + 1))

    def changes_since(self, modseq: int) -> Sequence[Change] | None:
        """Changes with a higher modseq, oldest first; None if they are no longer known."""
        if modseq >= self.highestmodseq:
            return ()
        if modseq < self._known_from:
            return None
        recent = [change for change in reversed(self._changes) if change.modseq > modseq]
        recent.reverse()
        return recent

    def listen(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed` on the event loop after the snapshot moved. Returns the function that stops it."""
        self._listeners.add(changed)
        return lambda: self._listeners.discard(changed)

    # --- for the store --------------------------------------------------------------------------

    def load(self, entries: Iterable[tuple[int, int, int, tuple[str, ...], int, int, int]]) -> None:
        """Add entries with ascending UIDs: (uid, message_id, system flags, keywords, modseq, size, date)."""
        columns = tuple(zip(*entries, strict=True))
        if columns:
            self.load_columns(columns)

    def load_columns(self, columns: Sequence[Sequence[Any]]) -> None:
        """The same by columns: no step of Python for an entry without keywords."""
        uids, message_ids, system_flags, keywords, modseqs, sizes, dates = columns
        self.uids.extend(uids)
        self.message_ids.extend(message_ids)
        self.system_flags.extend(system_flags)
        if any(keywords):
            self.keyword_ids.extend([self._keyword_id(words) if words else 0 for words in keywords])
        else:
            self.keyword_ids.frombytes(bytes(self.keyword_ids.itemsize * len(uids)))
        self.modseqs.extend(modseqs)
        self.sizes.extend(sizes)
        self.internal_dates.extend(dates)

    def take_over(self, columns: Sequence[array[int]], keyword_sets: Sequence[tuple[str, ...]]) -> None:
        """Let these arrays, in the order of COLUMNS, be all that it holds. The first keyword set is empty."""
        for name, column in zip(COLUMNS, columns, strict=True):
            setattr(self, name, column)
        self.keyword_sets = list(keyword_sets)
        self._keyword_places = {words: place for place, words in enumerate(self.keyword_sets)}

    def append(self, entry: SnapshotEntry) -> None:
        """Add an entry whose UID is above all others."""
        if self.uids and entry.uid <= self.uids[-1]:
            raise ValueError("UIDs only grow")
        flags = entry.flags
        self.load(
            [
                (
                    entry.uid,
                    entry.message_id,
                    int(flags.system),
                    flags.keywords,
                    entry.modseq,
                    entry.size,
                    entry.internal_date,
                )
            ]
        )
        self.uidnext = max(self.uidnext, entry.uid + 1)

    def set_flags(self, uid: int, flags: Flags, modseq: int) -> None:
        """Set the flags of an entry; an unknown UID is ignored."""
        at = self.index(uid)
        if at is not None:
            self.system_flags[at] = int(flags.system)
            self.keyword_ids[at] = self._keyword_id(flags.keywords)
            self.modseqs[at] = modseq

    def set_flags_of(self, uids: UidSet, system: int, keywords: tuple[str, ...], modseq: int) -> None:
        """Give all those entries of a set that are here the same flags."""
        keyword_id = self._keyword_id(keywords)
        for low, high in uids.ranges:
            start, end = bisect_left(self.uids, low), bisect_left(self.uids, high + 1)
            self.system_flags[start:end] = array("B", (system,)) * (end - start)
            self.keyword_ids[start:end] = array("I", (keyword_id,)) * (end - start)
            self.modseqs[start:end] = array("Q", (modseq,)) * (end - start)

    def remove(self, uids: UidSet) -> None:
        """Remove entries; unknown UIDs are ignored."""
        at = self.uids
        places = ((bisect_left(at, low), bisect_left(at, high + 1)) for low, high in uids.ranges)
        gone = [(start, end) for start, end in places if start < end]
        for column in self.columns():
            if len(gone) <= FEW_RANGES:
                for start, end in reversed(gone):
                    del column[start:end]
            else:
                column[:] = _without(column, gone)

    def advance(self, change: Change) -> None:
        """Record a change that has been applied; listeners hear of it with `notify`."""
        if len(self._changes) == CHANGES_KEPT:
            self._known_from = self._changes[0].modseq  # which is about to go
        self._changes.append(change)
        self.highestmodseq = max(self.highestmodseq, change.modseq)

    def forget_changes(self, highestmodseq: int) -> None:
        """After a reload: sessions behind `highestmodseq` must compare all."""
        self._changes.clear()
        self._known_from = self.highestmodseq = highestmodseq

    def replace(self, fresh: Snapshot) -> None:
        """Take over everything from one that was read anew, and record what became different as one change.

        Sessions keep no UIDs of their own, so this difference is all that they can learn a gap from.
        """
        before = dict(zip(self.uids, self.modseqs, strict=True))
        self.uidvalidity, self.uidnext = fresh.uidvalidity, fresh.uidnext
        self.keyword_sets, self._keyword_places = fresh.keyword_sets, fresh._keyword_places
        self.unsaved = fresh.unsaved
        for name in COLUMNS:
            setattr(self, name, getattr(fresh, name))
        after = dict(zip(self.uids, self.modseqs, strict=True))
        difference = Change(
            fresh.highestmodseq,
            appended=UidSet.of(uid for uid in after if uid not in before),
            flagged=UidSet.of(uid for uid, modseq in after.items() if before.get(uid, modseq) != modseq),
            expunged=UidSet.of(uid for uid in before if uid not in after),
        )
        if difference.modseq > self.highestmodseq:
            self.advance(difference)
        else:  # another mailbox under the same id: nothing of what was known holds
            self.forget_changes(fresh.highestmodseq)

    @property
    def octets(self) -> int:
        """What the arrays take."""
        return sum(column.itemsize * len(column) for column in self.columns())

    def notify(self) -> None:
        """Tell the listeners that the snapshot has moved."""
        for changed in tuple(self._listeners):
            changed()

    def columns(self) -> tuple[array[int], ...]:
        """The arrays in the order of COLUMNS."""
        return tuple(getattr(self, name) for name in COLUMNS)

    def _keyword_id(self, keywords: tuple[str, ...]) -> int:
        place = self._keyword_places.get(keywords)
        if place is None:
            place = self._keyword_places[keywords] = len(self.keyword_sets)
            self.keyword_sets.append(keywords)
        return place


def _without(column: array[int], gone: Sequence[tuple[int, int]]) -> array[int]:
    """A column without the places from one to before the other of each pair, ascending."""
    kept, after = array(column.typecode), 0
    for start, end in gone:
        kept += column[after:start]
        after = end
    return kept + column[after:]
