"""One session's view of the mailbox that it has selected: message sequence numbers over a shared snapshot.

The snapshot moves whenever anybody commits; the client's sequence numbers move only when it is told
(RFC 9051 section 7.5.1). The difference is small and all that a view keeps: the UIDs that are gone and
not yet reported (`_ghosts`), the UID up to which the client knows the mailbox, and the UIDs whose flags
changed. The client's numbering is the snapshot's UIDs below `uidnext` merged with the ghosts, so an idle
session costs the same on ten messages and on a hundred thousand.

A view never writes, never waits and reads no database.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from mailkeep.model.rights import ALL
from mailkeep.model.uids import NO_UIDS, UidSet
from mailkeep.storage.snapshot import Change, Snapshot
from mailkeep_imap.recent import RecentLedger

Ranges = Iterable[tuple[int, int]]
FLAGGED_KEPT = 64  # flag changes remembered one by one before they are merged


@dataclass(frozen=True, slots=True)
class Updates:
    """What to tell the client, in this order. `flagged` are (sequence number, place in the snapshot)."""

    expunged: tuple[int, ...] = ()  # sequence numbers, highest first: each is right when it is sent
    vanished: UidSet = NO_UIDS  # the same messages by UID
    keywords: tuple[str, ...] | None = None  # all that the mailbox has, if there is a new one
    exists: int | None = None
    recent: int | None = None
    flagged: tuple[tuple[int, int], ...] = ()


NO_UPDATES = Updates()


def _nothing() -> None:
    """There is nothing to stop any more."""


class Selected:
    """`uidnext` is the lowest UID that the client does not know. Without a ledger nothing is \\Recent. With
    `uid_only` the client has no sequence numbers: UIDs stand wherever it would be told one (RFC 9586)."""

    __slots__ = (
        "_flagged",
        "_ghosts",
        "_ghosts_since",
        "_keyword_sets_told",
        "_ledger",
        "_modseq",
        "_recent",
        "_stop",
        "changed",
        "hears_flags",
        "mailbox_id",
        "name",
        "read_only",
        "rights",
        "snapshot",
        "uid_only",
        "uidnext",
        "uidvalidity",
        "unwatch",
        "voided",
    )

    def __init__(
        self, snapshot: Snapshot, name: str, *, read_only: bool, ledger: RecentLedger | None
    ) -> None:
        self.snapshot = snapshot
        self.mailbox_id = snapshot.mailbox_id
        self.name = name
        self.read_only = read_only
        self.rights = ALL  # less in somebody else's mailbox, and it may change: see access.py
        self.unwatch: Callable[[], None] | None = None
        self.uid_only = False
        self.hears_flags = True  # of what others change (RFC 5465 section 5.1)
        self.uidnext = snapshot.uidnext
        self.uidvalidity = snapshot.uidvalidity
        self.changed: Callable[[], None] | None = None
        self.voided: Callable[[], None] | None = None
        self._ledger = ledger
        self._modseq = snapshot.highestmodseq
        self._ghosts: list[int] = []
        self._ghosts_since = 0  # the lowest modseq with which one of them went
        self._keyword_sets_told = len(snapshot.keyword_sets)
        self._flagged: list[tuple[int, UidSet]] = []
        self._recent: list[tuple[int, int]] = []  # half-open UID ranges
        self._claim_recent()
        self._stop: Callable[[], None] = snapshot.listen(self._moved)

    def close(self) -> None:
        """Stop following the snapshot, and one's rights."""
        stop, self._stop = self._stop, _nothing  # which leads back here: the snapshot's memory would wait
        stop()
        if self.unwatch is not None:
            self.unwatch()
            self.unwatch = None
        self.changed = self.voided = None

    @property
    def void(self) -> str:
        """Why no number of the client's holds any more; "" as long as they do."""
        if self.snapshot.is_gone:
            return "The selected mailbox has been deleted."
        if self.snapshot.uidvalidity != self.uidvalidity:
            return "The selected mailbox was made anew; please select it again."
        return ""

    @property
    def fetch_word(self) -> bytes:
        """The name of the response to FETCH (RFC 9586 section 3.3)."""
        return b"UIDFETCH" if self.uid_only else b"FETCH"

    # --- numbers --------------------------------------------------------------------------------

    @property
    def known(self) -> int:
        """How many entries of the snapshot the client knows: those before this place."""
        return bisect_left(self.snapshot.uids, self.uidnext)

    @property
    def exists(self) -> int:
        """The number of messages as the client counts them, unreported ghosts included."""
        self.absorb()
        return self.known + len(self._ghosts)

    def sequence_at(self, place: int) -> int:
        """The sequence number of the entry at a place of the snapshot, or what stands for it."""
        if self.uid_only:
            return self.snapshot.uids[place]
        if not self._ghosts:
            return place + 1
        return place + 1 + bisect_left(self._ghosts, self.snapshot.uids[place])

    def sequences_at(self, places: Sequence[int]) -> Sequence[int]:
        """The same for many."""
        if self.uid_only:
            return [self.snapshot.uids[place] for place in places]
        if not self._ghosts and isinstance(places, range):
            return range(places.start + 1, places.stop + 1)
        if not self._ghosts:
            return [place + 1 for place in places]
        return [self.sequence_at(place) for place in places]

    def sequence_of(self, uid: int) -> int | None:
        """The sequence number of a UID that is in the mailbox and known to the client."""
        place = self.snapshot.index(uid) if uid < self.uidnext else None
        return None if place is None else self.sequence_at(place)

    def number_of(self, uid: int) -> int | None:
        """The same for a UID that may have gone without the client's being told."""
        place = bisect_left(self._ghosts, uid)
        if place < len(self._ghosts) and self._ghosts[place] == uid:
            return bisect_left(self.snapshot.uids, uid) + place + 1
        return self.sequence_of(uid)

    def places_of_sequences(self, ranges: Ranges) -> tuple[Sequence[int], bool]:
        """Places for inclusive ranges of sequence numbers, ascending; True if a ghost was among them.

        The caller has resolved `*` and checked the numbers against `exists`.
        """
        self.absorb()
        ghosts = self._ghost_sequences()
        runs: list[range] = []
        missed = False
        for low, high in UidSet.of_ranges(ranges).ranges:
            before, through = bisect_left(ghosts, low), bisect_right(ghosts, high)
            runs.append(range(low - 1 - before, high - through))
            missed = missed or through > before
        return _together(runs), missed

    def places_of_uids(self, ranges: Ranges) -> Sequence[int]:
        """Places of the known UIDs in inclusive ranges, ascending; UIDs that are not there are left out."""
        self.absorb()
        known = self.known
        runs: list[range] = []
        for low, high in UidSet.of_ranges(ranges).ranges:
            uids = self.snapshot.uids
            runs.append(range(bisect_left(uids, low), min(known, bisect_left(uids, high + 1))))
        return _together(runs)

    def highest_uid(self) -> int:
        """What `*` means as a UID: the highest known to the client, 0 in an empty mailbox."""
        self.absorb()
        known = self.known
        present = self.snapshot.uids[known - 1] if known else 0
        return max(present, self._ghosts[-1]) if self._ghosts else present

    # --- \Recent --------------------------------------------------------------------------------

    def is_recent(self, uid: int) -> bool:
        """True if this session was the first of the process to be told of the message."""
        return any(low <= uid < high for low, high in self._recent)

    def recent_places(self) -> list[range]:
        """The runs of the snapshot's places that hold recent messages."""
        uids = self.snapshot.uids
        return [range(bisect_left(uids, low), bisect_left(uids, high)) for low, high in self._recent]

    def recent_count(self) -> int:
        """The number for the RECENT response."""
        return sum(map(len, self.recent_places()))

    def forget_recent(self) -> None:
        """From now on the client knows of no such flag (RFC 9051 section 2.3.2)."""
        self._ledger = None
        self._recent = []

    def _claim_recent(self) -> None:
        if self._ledger is None:
            return
        if self.read_only:  # RFC 3501 section 6.3.2: EXAMINE takes \Recent from nobody
            first = min(self._ledger.untold(self.mailbox_id), self.uidnext)
        else:
            first = self._ledger.claim(self.mailbox_id, self.uidnext)
        if self._recent and first <= self._recent[-1][1]:
            low, high = self._recent.pop()
            self._recent.append((min(low, first), max(high, self.uidnext)))
        elif first < self.uidnext:
            self._recent.append((first, self.uidnext))

    # --- what moved -----------------------------------------------------------------------------

    def _moved(self) -> None:
        self.absorb()
        if self.void and self.voided is not None:
            self.voided()
        elif self.changed is not None:
            self.changed()

    def absorb(self) -> None:
        """Take in what the snapshot went through since the last call. Called before numbers are used."""
        snapshot = self.snapshot
        if snapshot.highestmodseq == self._modseq:
            return
        for change in snapshot.changes_since(self._modseq) or ():
            self._take(change)
        self._modseq = snapshot.highestmodseq

    def _take(self, change: Change) -> None:
        for uid in change.expunged:
            if uid < self.uidnext:
                if not self._ghosts:
                    self._ghosts_since = change.modseq
                insort(self._ghosts, uid)
        if change.flagged and self.hears_flags:
            self._keep_flagged(change.modseq, change.flagged)

    def mark_flagged(self, uids: UidSet) -> None:
        """Report the flags of these messages with the next updates, changed or not."""
        self._keep_flagged(0, uids)

    def settle_flagged(self, modseq: int, uids: UidSet) -> None:
        """The client knows what its own change with this modseq did to `uids`: do not report that.

        What others did to the same messages has another modseq and is reported still.
        """
        self.absorb()
        self._flagged = [entry for entry in self._flagged if entry[0] != modseq or entry[1] != uids]

    def _keep_flagged(self, modseq: int, uids: UidSet) -> None:
        self._flagged.append((modseq, uids))
        if len(self._flagged) > FLAGGED_KEPT:
            merged = UidSet.of_ranges(pair for _, kept in self._flagged for pair in kept.ranges)
            self._flagged = [(0, merged)]

    def pending(self) -> bool:
        """True if `take_updates` would have something to say."""
        snapshot = self.snapshot
        if snapshot.highestmodseq != self._modseq:
            self.absorb()
        return (
            bool(self._ghosts or self._flagged)
            or snapshot.uidnext > self.uidnext
            or len(snapshot.keyword_sets) > self._keyword_sets_told
        )

    @property
    def owes_flags(self) -> bool:
        """True if flags have changed that the client has not been told of."""
        self.absorb()
        return bool(self._flagged)

    def untold_expunges(self) -> Sequence[int]:
        """UIDs, ascending, that are gone while the client still counts them."""
        self.absorb()
        return self._ghosts

    def told_through(self) -> int:
        """The modseq up to which the client knows of everything that went."""
        self.absorb()
        return self._ghosts_since - 1 if self._ghosts else self.snapshot.highestmodseq

    def take_updates(self, *, expunges: bool) -> Updates:
        """What the client must hear now, and count it as heard.

        With `expunges` False ghosts stay, for a command that may not change sequence numbers.
        """
        if not self.pending():
            return NO_UPDATES
        gone = self._take_ghosts() if expunges else ((), NO_UIDS)
        flagged = self._take_flagged()
        exists = self._take_exists()
        recent = None if exists is None or self._ledger is None else self.recent_count()
        return Updates(gone[0], gone[1], self._take_keywords(), exists, recent, flagged)

    def _take_ghosts(self) -> tuple[tuple[int, ...], UidSet]:
        numbers, uids = tuple(reversed(self._ghost_sequences())), UidSet.of(self._ghosts)
        self._ghosts = []
        return numbers, uids

    def _take_exists(self) -> int | None:
        uids = self.snapshot.uids
        if self.snapshot.uidnext <= self.uidnext:
            return None
        grew = bool(uids) and uids[-1] >= self.uidnext
        self.uidnext = self.snapshot.uidnext
        if not grew:  # what came has gone again before the client could hear of it
            return None
        self._claim_recent()
        return self.known + len(self._ghosts)

    def keywords(self) -> tuple[str, ...]:
        """All keywords that messages of the mailbox have had since the snapshot was made."""
        unique = {word.casefold(): word for words in self.snapshot.keyword_sets for word in words}
        return tuple(unique[folded] for folded in sorted(unique))

    def _take_keywords(self) -> tuple[str, ...] | None:
        sets = self.snapshot.keyword_sets
        told, self._keyword_sets_told = self._keyword_sets_told, len(sets)
        if told == len(sets):
            return None
        known = {word.casefold() for words in sets[:told] for word in words}
        new = any(word.casefold() not in known for words in sets[told:] for word in words)
        return self.keywords() if new else None

    def _take_flagged(self) -> tuple[tuple[int, int], ...]:
        if not self._flagged:
            return ()
        merged = UidSet.of_ranges(pair for _, uids in self._flagged for pair in uids.ranges)
        self._flagged = []
        known = self.known
        places = (place for place in self.snapshot.indexes(merged) if place < known)
        return tuple((self.sequence_at(place), place) for place in places)

    def _ghost_sequences(self) -> Sequence[int]:
        uids = self.snapshot.uids
        return [bisect_left(uids, uid) + before + 1 for before, uid in enumerate(self._ghosts)]


def _together(runs: Sequence[range]) -> Sequence[int]:
    """Places of several runs; a single one as it is, because that may be the whole mailbox."""
    return runs[0] if len(runs) == 1 else list(chain.from_iterable(runs))
