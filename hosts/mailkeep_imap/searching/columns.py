"""The snapshot's arrays as they stood when a search began.

A search that reads the database waits, and the shared snapshot moves meanwhile. Copying the arrays costs
28 octets a message and about 3 milliseconds for a hundred thousand; then places, numbers and UIDs mean
the same from the first key to the last.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Sequence
from itertools import chain

from mailkeep_imap.selected import Selected


class Columns:
    """What search keys are compared with: messages that the client knows, or the first `count` of all."""

    __slots__ = (
        "internal_dates",
        "keyword_ids",
        "keyword_sets",
        "mailbox_id",
        "message_ids",
        "modseqs",
        "now",
        "recent_runs",
        "sizes",
        "system_flags",
        "uids",
    )

    def __init__(self, view: Selected, now: float, count: int | None = None) -> None:
        snapshot, known = view.snapshot, view.known if count is None else count
        self.now = now
        self.mailbox_id = view.mailbox_id
        self.uids: array[int] = snapshot.uids[:known]
        self.message_ids: array[int] = snapshot.message_ids[:known]
        self.system_flags: bytes = snapshot.system_flags[:known].tobytes()
        self.keyword_ids: array[int] = snapshot.keyword_ids[:known]
        self.keyword_sets: Sequence[tuple[str, ...]] = tuple(snapshot.keyword_sets)
        self.modseqs: array[int] = snapshot.modseqs[:known]
        self.sizes: array[int] = snapshot.sizes[:known]
        self.internal_dates: array[int] = snapshot.internal_dates[:known]
        self.recent_runs: Sequence[range] = view.recent_places()

    @property
    def recent(self) -> frozenset[int]:
        """Places of \\Recent messages, which in a new session may be all: few searches ask."""
        return frozenset(chain.from_iterable(self.recent_runs))

    def ids_at(self, places: Collection[int]) -> list[int]:
        """The ids of the messages at these places."""
        if isinstance(places, range):
            return self.message_ids[places.start : places.stop].tolist()
        return list(map(self.message_ids.__getitem__, places))

    def __len__(self) -> int:
        return len(self.uids)
